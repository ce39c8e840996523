"""From a neutral record to a wanted document, and every mistake named with its row and its remedy."""

from typing import Any

import pytest

from common.contracts.syncs import MappingDefinition, MappingRow, Transform
from mapper.mapping.definitions import read_definition, template, with_choices
from mapper.mapping.engine import MAX_RECORD, compile_mapping
from mapper.mapping.problems import MappingInvalid, shape
from mapper.mapping.transforms import TRANSFORMS
from vendors.catalogue import CatalogueField, FieldCatalogue
from vendors.mailchimp.target import MailchimpTarget

CHOICES = MailchimpTarget.choices

AUDIENCE = FieldCatalogue(
    (
        CatalogueField("email", "Email", "email", required=True),
        CatalogueField("merge.FNAME", "First name", "text", max_length=255),
        CatalogueField("merge.LNAME", "Last name", "text", max_length=5),
        CatalogueField("merge.AGE", "Age", "number"),
        CatalogueField("merge.TIER", "Tier", "choice", choices=("gold", "silver")),
        CatalogueField("merge.SINCE", "Since", "date"),
        CatalogueField("merge.ADDRESS", "Address", "address", parts=("street", "city", "state", "zip")),
        CatalogueField("tags", "Tags", "tags"),
    )
)


def mapping(*rows: MappingRow, condition: str = "") -> Any:
    key = MappingRow("email", "email")
    return compile_mapping(
        MappingDefinition(version=1, rows=(key, *rows), filter=condition, key="email"),
        AUDIENCE,
        collected=CHOICES.collected,
    )


class TestDocument:
    def test_maps_names_and_transforms_in_order(self) -> None:
        row = MappingRow("merge.FNAME", "first_name", (Transform("trim"), Transform("title")))
        assert mapping(row).apply({"email": "ana@ex.org", "first_name": "  ANA "}).document == {
            "email": "ana@ex.org",
            "merge.FNAME": "Ana",
        }

    def test_leaves_alone_what_the_source_did_not_tell(self) -> None:
        assert (
            "merge.FNAME" not in mapping(MappingRow("merge.FNAME", "first_name")).apply({"email": "a@ex.org"}).document
        )

    def test_empties_what_the_source_told_to_be_empty(self) -> None:
        assert (
            mapping(MappingRow("merge.FNAME", "first_name"))
            .apply({"email": "a@ex.org", "first_name": None})
            .document["merge.FNAME"]
            is None
        )

    def test_collects_tags_of_all_rows_sorted_and_once(self) -> None:
        rows = (MappingRow("tags", "status", (Transform("tag", {"prefix": "status: "}),)), MappingRow("tags", "extra"))
        mapped = mapping(*rows).apply({"email": "a@ex.org", "status": "active", "extra": ["b", " b ", "", None]})
        assert mapped.document["tags"] == ["b", "status: active"]

    def test_sends_an_address_whole_or_not_at_all(self) -> None:
        row = MappingRow("merge.ADDRESS", "billing")
        whole = {"street": "Hauptstr. 1", "city": "Bonn", "state": "NW", "zip": "53111", "fax": None}
        assert mapping(row).apply({"email": "a@ex.org", "billing": whole}).document["merge.ADDRESS"]["city"] == "Bonn"
        part = mapping(row).apply({"email": "a@ex.org", "billing": {"street": "Hauptstr. 1", "city": "Bonn"}})
        assert "merge.ADDRESS" not in part.document
        assert part.problems == ()
        assert "lacks state, zip" in part.left_out[0].words

    def test_an_address_without_any_part_is_no_value(self) -> None:
        empty = mapping(MappingRow("merge.ADDRESS", "billing")).apply(
            {"email": "a@ex.org", "billing": {"street": None, "city": None}}
        )
        assert (empty.document["merge.ADDRESS"], empty.left_out) == (None, ())

    @pytest.mark.parametrize(("status", "passes"), [("active", True), ("inactive", False), (None, False)])
    def test_applies_the_filter(self, status: str | None, passes: bool) -> None:
        assert mapping(condition="status == 'active'").apply({"email": "a@ex.org", "status": status}).passes is passes


class TestProblemsOfARecord:
    @pytest.mark.parametrize(
        ("row", "record", "code", "word"),
        [
            (MappingRow("merge.AGE", "age"), {"age": "twelve"}, "MAPPING_TYPE_MISMATCH", "number"),
            (MappingRow("merge.LNAME", "last_name"), {"last_name": "Ruizüü"}, "MAPPING_VALUE_TOO_LONG", "5 bytes"),
            (MappingRow("merge.TIER", "tier"), {"tier": "bronze"}, "MAPPING_CHOICE_UNKNOWN", "2 choices"),
            (MappingRow("merge.SINCE", "since"), {"since": "01.02.2026"}, "MAPPING_TYPE_MISMATCH", "date"),
            (MappingRow("merge.FNAME", "tags_"), {"tags_": [1, 2]}, "MAPPING_TYPE_MISMATCH", "a list of 2"),
            (MappingRow("merge.ADDRESS", "city"), {"city": "Bonn"}, "MAPPING_TYPE_MISMATCH", "address"),
        ],
    )
    def test_names_row_field_shape_and_remedy(
        self, row: MappingRow, record: dict[str, Any], code: str, word: str
    ) -> None:
        (problem,) = mapping(row).apply({"email": "a@ex.org", **record}).problems
        assert (problem.code, problem.row, problem.field) == (code, 2, row.target)
        assert word in problem.words
        assert problem.remedy

    def test_never_tells_the_value_itself(self) -> None:
        (problem,) = mapping(MappingRow("merge.AGE", "age")).apply({"email": "a@ex.org", "age": "geheim"}).problems
        assert "geheim" not in str(problem)

    def test_a_required_field_without_value_is_a_problem(self) -> None:
        (problem,) = mapping().apply({"email": ""}).problems
        assert problem.code == "MAPPING_REQUIRED_MISSING"

    def test_a_record_beyond_all_measure_is_one_problem(self) -> None:
        (problem,) = mapping().apply({"email": "a@ex.org", "notes": "x" * MAX_RECORD}).problems
        assert problem.code == "MAPPING_RECORD_TOO_LARGE"


class TestProblemsOfADefinition:
    def test_names_all_of_them_at_once(self) -> None:
        rows = (
            MappingRow("merge.NOPE", "a"),
            MappingRow("merge.FNAME", "a..b"),
            MappingRow("merge.LNAME", "b", (Transform("shout"),)),
            MappingRow("merge.AGE", "c", (Transform("shorten", {"length": 3}),)),
        )
        with pytest.raises(MappingInvalid) as caught:
            compile_mapping(MappingDefinition(version=1, rows=rows, key="email"), AUDIENCE, collected=())
        codes = [(p.row, p.code) for p in caught.value.problems]
        assert codes == [
            (1, "MAPPING_TARGET_UNKNOWN"),
            (2, "MAPPING_EXPRESSION_INVALID"),
            (3, "MAPPING_TRANSFORM_UNKNOWN"),
            (4, "MAPPING_TRANSFORM_ARGUMENTS"),
            (0, "MAPPING_REQUIRED_MISSING"),
        ]

    @pytest.mark.parametrize(
        ("given", "word"),
        [
            ({}, "at least one row"),
            ({"rows": ["email"]}, "`target` and `from`"),
            ({"rows": [{"target": "email", "from": "email"}]}, "names its `key`"),
            ({"rows": [{"target": "email", "from": "email", "who": 1}]}, "'who'"),
            ({"rows": [{"target": "email", "from": "email", "transforms": [3]}]}, "A transform is"),
            (
                {"rows": [{"target": "email", "from": "email"}], "options": {"look_every": 0}},
                "minutes between two looks",
            ),
            ({"rows": [{"target": "email", "from": "email"}], "options": {"look_every": "1h"}}, "minutes between"),
            (
                {"rows": [{"target": "email", "from": "email"}], "options": {"look_at": "60 6 * * *"}},
                "60 6 .*: bad minute",
            ),
            (
                {"rows": [{"target": "email", "from": "email"}], "options": {"look_facts_at": "monthly"}},
                "five fields",
            ),
            (
                {
                    "rows": [{"target": "email", "from": "email"}],
                    "options": {"look_at": "0 6 * * *", "look_every": 5},
                },
                "not both",
            ),
            (
                {
                    "rows": [{"target": "email", "from": "email"}],
                    "options": {"look_at": "0 6 * * *", "time_zone": "Atlantis"},
                },
                "Europe/Madrid",
            ),
            ({"rows": [{"target": "email", "from": "email"}], "options": {"time_zone": "UTC"}}, "leave it out"),
            (
                {
                    "rows": [{"target": "email", "from": "email"}],
                    "options": {"on_delete": "unsubscribe"},
                    "key": "email",
                },
                "archive, tag, leave",
            ),
        ],
    )
    def test_reads_the_written_form_with_every_mistake_named(self, given: dict[str, Any], word: str) -> None:
        with pytest.raises(MappingInvalid, match=word):
            with_choices(read_definition(1, given), CHOICES)


class TestTemplate:
    def test_the_shipped_template_compiles_and_maps_a_customer(self) -> None:
        definition = read_definition(1, template("zoho-books-to-mailchimp"))
        mapped = compile_mapping(definition, collected=CHOICES.collected).apply(
            {
                "email": " ana@ex.org ",
                "first_name": "Ana",
                "status": "inactive",
                "outstanding": "120.50",
                "currency": "EUR",
                "custom": {"cf_segment": "VIP"},
            }
        )
        assert mapped.document["email"] == "ana@ex.org"
        assert mapped.document["tags"] == ["currency: EUR", "inactive", "payment: open", "segment: VIP"]

    def test_no_template_writes_consent(self) -> None:
        definition = read_definition(1, template("zoho-books-to-mailchimp"))
        assert not [row for row in definition.rows if "status" in row.target]


class TestTransforms:
    @pytest.mark.parametrize(
        ("name", "arguments", "value", "expected"),
        [
            ("trim", {}, "  ", None),
            ("title", {}, "McDonald", "McDonald"),
            ("lower", {}, "ÄB", "äb"),
            ("money", {"currency": "JPY"}, "12.5", "12"),
            ("money", {}, "0.125", "0.12"),
            ("number", {}, "1E+3", "1000"),
            ("number", {}, "NaN", None),
            ("date", {"pattern": "%m/%d"}, "2026-05-04T10:11:12+0200", "05/04"),
            ("date", {}, "soon", None),
            ("phone", {"region": "ES"}, "912 345 678", "+34912345678"),
            ("phone", {}, "ask Ana", "ask Ana"),
            ("country", {}, "Germany", "DE"),
            ("country", {}, "Atlantis", "Atlantis"),
            ("lookup", {"table": {"a": "A"}, "otherwise": "?"}, "b", "?"),
            ("default", {"value_if_empty": "n/a"}, "", "n/a"),
            ("first", {}, [None, "x", "y"], "x"),
            ("tag_if", {"tag": "t", "one_of": ["a", "b"]}, "b", "t"),
            ("tag_if", {"tag": "t", "above": "0"}, "0.00", None),
            ("tag_if", {"tag": "t"}, "x", "t"),
        ],
    )
    def test_does_what_it_says(self, name: str, arguments: dict[str, Any], value: Any, expected: Any) -> None:
        assert TRANSFORMS[name](value, **arguments) == expected

    def test_concat_leaves_no_gap(self) -> None:
        assert TRANSFORMS["concat"]("Ana", {"middle": None, "last": "Ruiz"}, parts=["middle", "last"]) == "Ana Ruiz"

    def test_every_transform_has_a_sentence(self) -> None:
        assert [name for name, function in TRANSFORMS.items() if not function.__doc__] == []


class TestShape:
    @pytest.mark.parametrize("value", [None, "", "abc", "123", "a b", 5, True, {"a": 1}, [1], 1.5])
    def test_says_what_a_value_looks_like(self, value: object) -> None:
        assert shape(value)


class TestClearEmpty:
    ROWS = (MappingRow("email", "email", required=True), MappingRow("merge.FNAME", "first_name"))

    def test_empties_what_is_empty_at_the_source(self) -> None:
        mapping = compile_mapping(MappingDefinition(1, self.ROWS, key="email"), collected=())
        assert mapping.apply({"email": "a@ex.org", "first_name": None}).document == {
            "email": "a@ex.org",
            "merge.FNAME": None,
        }

    def test_false_leaves_it_alone(self) -> None:
        mapping = compile_mapping(
            MappingDefinition(1, self.ROWS, options={"clear_empty": False}, key="email"), collected=()
        )
        for empty in (None, "", []):
            assert mapping.apply({"email": "a@ex.org", "first_name": empty}).document == {"email": "a@ex.org"}
        assert mapping.apply({"email": "a@ex.org", "first_name": "A"}).document["merge.FNAME"] == "A"
