"""Which fields nobody has told yet, which were told of an older version, and what becomes of the target's meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common.contracts.ids import ConnectionId, Entity, EventId, RecordId, VendorName
from common.contracts.messages import ChangeEvent, Version
from common.contracts.outcomes import SkipReason
from common.contracts.syncs import MappingDefinition, MappingRow, Transform
from mapper.mapping.engine import CompiledMapping, compile_mapping
from mapper.mapping.fact_use import with_facts
from mapper.state import RecordState, merge
from mapper.wish import DesiredDocument, wish_of
from vendors.choices import PARTLY
from vendors.registry import vendor_named

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
MEMBERS = vendor_named("mailchimp").targets[Entity("member")]
EMAIL = MappingRow("email", "email", required=True)
ADDRESS = MappingRow("merge.ADDRESS", "billing")
SEGMENT = MappingRow("tags", "custom.cf_segment", (Transform("tag", {"prefix": "segment: "}),))
CURRENCY = MappingRow("tags", "currency", (Transform("tag", {"prefix": "currency: "}),))


def change(coverage: Any, second: int = 1, *, settled: bool = True, **fields: Any) -> ChangeEvent:
    return ChangeEvent(
        id=EventId("e"), connection=ConnectionId("books"), vendor=VendorName("zoho-books"), entity=Entity("customer"),
        record=RecordId("1"), kind="changed", version=Version(stamp=NOON + timedelta(seconds=second), settled=settled),
        coverage=coverage, fields={"email": "ana@ex.org", **fields}, observed_at=NOON, via="poll",
    )  # fmt: skip


def known(*changes: ChangeEvent) -> RecordState:
    state = RecordState()
    for one in changes:
        state = merge(state, one).state
    return state


class TestWhatIsTold:
    @pytest.mark.parametrize("name", ["billing", "custom.cf_segment", "custom"])
    def test_of_a_listed_record_alone_is_no_detail(self, name: str) -> None:
        state = known(change("list", custom={"cf_other": "x"}))
        assert state.unknown([name]) == {name} and state.lacks([name])
        assert not state.lacks(["email", "custom.cf_other"])

    def test_by_a_detail_is_all_there_is_of_that_version(self) -> None:
        state = known(change("list"), change("detail", email="ana@ex.org"))
        assert not state.unknown(["billing", "custom.cf_segment", "tags"]) and not state.lacks(["billing", "tags"])

    def test_by_a_detail_that_changes_nothing_counts_too(self) -> None:
        assert not known(change("list", settled=True), change("detail", settled=False)).lacks(["billing"])

    def test_by_a_webhook_is_what_it_carries_and_every_custom_field(self) -> None:
        state = known(change("hook", settled=False, billing={"city": "Bern"}, custom={}))
        assert state.unknown(["billing", "custom.cf_segment", "tags"]) == {"tags"}
        # The list tells the same version once more, settled.
        state = merge(state, change("list")).state
        assert not state.lacks(["billing", "custom.cf_segment"])

    def test_of_an_older_version_is_known_and_lacking(self) -> None:
        state = known(change("detail", billing={"city": "Bern"}), change("list", 5))
        assert not state.unknown(["billing"]) and state.lacks(["billing"])
        assert not merge(state, change("detail", 5, billing={"city": "Rome"})).state.lacks(["billing"])

    def test_of_a_record_that_was_made_anew_is_nothing_of_the_former(self) -> None:
        gone = change("gone", 9).model_copy(update={"kind": "deleted", "fields": {}, "observed_at": NOON})
        state = known(change("detail", billing={"city": "Bern"}), gone)
        again = change("detail", 20).model_copy(update={"via": "read", "observed_at": NOON + timedelta(seconds=30)})
        assert merge(state, again).state.detail == again.version.sequence


def compiled(*rows: MappingRow, **more: Any) -> CompiledMapping:
    definition = with_facts(MappingDefinition(1, (EMAIL, *rows), key="email", **more))
    return compile_mapping(definition, collected=MEMBERS.choices.collected)


def wished(mapping: CompiledMapping, *unknown: str, facts: Any = None, **fields: Any) -> DesiredDocument:
    state = known(change("list", **fields))
    return wish_of(state, mapping, MEMBERS, facts, unknown=frozenset(unknown))


class TestWhatAMappingReads:
    def test_is_told_by_the_names_of_fields(self) -> None:
        filled = MappingRow("merge.PHONE", "phone", (Transform("fallback", {"parts": ["mobile", "custom.cf_phone"]}),))
        mapping = compiled(
            ADDRESS, filled, MappingRow("merge.X", "custom.cf_a || custom.cf_b"), filter="contains(tags, 'x')",
            options={"inactive_if": "status == 'over'"},
        )  # fmt: skip
        names = {"email", "billing", "phone", "mobile", "custom.cf_phone", "custom.cf_a", "custom.cf_b", "tags"}
        assert mapping.reads == names | {"status"}

    def test_is_all_custom_fields_where_it_names_none(self) -> None:
        assert "custom" in compiled(MappingRow("merge.X", "values(custom)[0]")).reads


class TestAFieldThatNobodyHasTold:
    def test_is_left_as_it_is_at_the_target(self) -> None:
        # The list tells of another custom field: that this one is missing says nothing.
        mapping = compiled(ADDRESS, MappingRow("merge.SEG", "custom.cf_segment"))
        wish = wished(mapping, "billing", "custom.cf_segment", custom={"cf_other": "x"})
        assert (wish.wish, wish.document) == ("present", {"email": "ana@ex.org"})

    def test_takes_nothing_from_what_several_rows_fill(self) -> None:
        wish = wished(compiled(SEGMENT, CURRENCY), "custom.cf_segment", currency="EUR")
        assert wish.document == {"email": "ana@ex.org", "tags": ["currency: EUR"], PARTLY: ["tags"]}
        assert wished(compiled(SEGMENT, CURRENCY), currency="EUR").document == {
            "email": "ana@ex.org",
            "tags": ["currency: EUR"],
        }

    @pytest.mark.parametrize(
        "mapping",
        [
            compiled(filter="custom.cf_segment == 'retail'", on_filtered="archive"),
            compiled(MappingRow("merge.SEG", "custom.cf_segment", required=True)),
            compiled(on_inactive="archive", options={"inactive_if": "custom.cf_segment == 'over'"}),
        ],
    )
    def test_keeps_the_record_as_it_is_where_it_decides_about_all_of_it(self, mapping: CompiledMapping) -> None:
        wish = wished(mapping, "custom.cf_segment", facts={"inactive": False})
        assert (wish.wish, wish.skip) == ("keep", SkipReason.DETAIL_AWAITED)

    def test_says_nobody_active_or_inactive(self) -> None:
        row = MappingRow("tags", "facts.inactive", (Transform("tag_if", {"equals": True, "tag": "inactive"}),))
        mapping = compiled(row, options={"inactive_if": "contains(tags || `[]`, 'Terminated')"})
        assert wished(mapping, "tags", facts={"inactive": False}).document[PARTLY] == ["tags"]
