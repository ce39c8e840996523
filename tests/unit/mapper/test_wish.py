"""What becomes of a record that is gone, filtered out, without a key, or that nobody can map."""

from typing import Any

import pytest

from common.contracts.syncs import MappingDefinition, MappingRow
from mapper.mapping.engine import MAX_RECORD, CompiledMapping, compile_mapping
from mapper.state import RecordState
from mapper.wish import HIGHEST_RANK, DesiredDocument, ranked
from mapper.wish import wish_of as judged
from vendors.catalogue import CatalogueField, FieldCatalogue
from vendors.mailchimp.target import MailchimpTarget

AUDIENCE = FieldCatalogue(
    (
        CatalogueField("email", "Email", "email", required=True),
        CatalogueField("merge.FNAME", "First name", "text", max_length=10),
        CatalogueField("merge.COMPANY", "Company", "text"),
    )
)
EMAIL, NAME = MappingRow("email", "email"), MappingRow("merge.FNAME", "first_name")
COMPANY = MappingRow("merge.COMPANY", "company", required=True)
COSTLY = "length(notes[?length(@[?length(@) > `1`]) > `0`]) > `0`"


def wish_of(state: RecordState, compiled: CompiledMapping) -> DesiredDocument:
    return judged(state, compiled, MailchimpTarget())


def mapping(*rows: MappingRow, **more: Any) -> CompiledMapping:
    return compile_mapping(MappingDefinition(2, rows or (EMAIL, NAME), **more, key="email"), AUDIENCE, collected=())


def wish(compiled: CompiledMapping, **fields: Any) -> DesiredDocument:
    return wish_of(RecordState(fields, dict.fromkeys(fields, "1"), "1"), compiled)


class TestLeaves:
    """Only these three take a record away from its target."""

    def test_what_is_deleted(self) -> None:
        state = RecordState({"email": "ana@ex.org"}, {"email": "1"}, "1", deleted=True)
        assert (wish_of(state, mapping()).wish, wish_of(state, mapping()).document) == ("absent", {"how": "archive"})

    def test_what_is_filtered_out(self) -> None:
        found = wish(mapping(filter="status == 'active'", on_filtered="archive"), email="ana@ex.org", status="closed")
        assert (found.wish, found.skip, found.document) == ("absent", "filtered", {"how": "archive"})

    @pytest.mark.parametrize("nothing", [None, "", [], {}])
    def test_what_has_no_key(self, nothing: Any) -> None:
        found = wish(mapping(), email=nothing, first_name="Ana")
        assert (found.wish, found.skip, found.document) == ("absent", "no_email", {"how": "archive"})

    def test_a_key_that_no_catalogue_requires_is_required_all_the_same(self) -> None:
        bare = compile_mapping(MappingDefinition(1, (EMAIL, NAME), key="email"), None, collected=())
        assert (wish(bare, email=None).wish, wish(bare, email=None).skip) == ("absent", "no_email")


class TestStaysAsItIs:
    """Everything else that keeps a record from being mapped keeps it where it is."""

    def test_a_required_field_that_is_missing(self) -> None:
        found = wish(mapping(EMAIL, NAME, COMPANY), email="ana@ex.org", company=None)
        assert (found.wish, found.skip, found.document) == ("keep", "required_field_missing", {})
        assert [note.code for note in found.notes] == ["MAPPING_REQUIRED_MISSING"]

    def test_a_required_field_that_does_not_fit(self) -> None:
        long = MappingRow("merge.FNAME", "first_name", required=True)
        assert wish(mapping(EMAIL, long), email="ana@ex.org", first_name="A" * 11).wish == "keep"

    @pytest.mark.parametrize("address", ["not an address", "a@", 7.5, {"a": 1}])
    def test_a_key_that_is_none(self, address: Any) -> None:
        found = wish(mapping(), email=address)
        assert (found.wish, found.skip) == ("keep", "invalid_email")

    def test_a_record_that_is_too_large(self) -> None:
        found = wish(mapping(), email="ana@ex.org", notes="x" * MAX_RECORD)
        assert (found.wish, found.skip) == ("keep", "unmappable")

    def test_a_key_that_costs_too_much(self) -> None:
        costly = MappingRow("email", COSTLY)
        found = wish(mapping(costly), notes=[["ab"] * 30] * 200)
        assert (found.wish, found.skip) == ("keep", "unmappable")

    def test_a_filter_that_costs_too_much_filters_nobody_out(self) -> None:
        found = wish(mapping(filter=COSTLY, on_filtered="archive"), email="ana@ex.org", notes=[["ab"] * 30] * 200)
        assert (found.wish, found.skip) == ("keep", "unmappable")

    def test_a_key_that_the_source_has_not_told_yet(self) -> None:
        """A new version may read the key from a field that only the detail of a record carries."""
        found = wish(mapping(MappingRow("email", "custom.work_email"), NAME), email="ana@ex.org", first_name="Ana")
        assert (found.wish, found.skip) == ("keep", "no_email")

    def test_only_its_own_field_where_it_is_not_required(self) -> None:
        found = wish(mapping(), email="ana@ex.org", first_name="A" * 11)
        assert (found.wish, found.document) == ("present", {"email": "ana@ex.org"})


class TestRank:
    """Whose word counts among records that share a target record."""

    @pytest.mark.parametrize(
        ("told", "rank"), [(0, 0), (3, 3), (-1, 0), (10**9, HIGHEST_RANK), (None, 0), ("2", 0), (True, 0), (1.5, 0)]
    )
    def test_it_is_the_number_that_the_source_tells(self, told: object, rank: int) -> None:
        state = RecordState({"level": told}, {"level": "1"}, "1")
        assert ranked(DesiredDocument("present", {}), state, "level").rank == rank

    def test_another_rank_is_another_wish_and_none_is_the_wish_that_it_was(self) -> None:
        one, state = DesiredDocument("present", {"email": "ana@ex.org"}), RecordState({"level": 1}, {"level": "1"}, "1")
        assert ranked(one, state, "level").content != one.content
        assert ranked(one, state, "").content == one.content == ranked(one, RecordState(), "level").content
