"""Two vendors' forms of one address, or of one website, are no difference between the two sides of a pair."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from common.contracts.syncs import MappingDefinition, MappingRow, Transform
from common.pairs.merging import Policy
from common.pairs.pair import Pair, judged, seen
from common.pairs.sides import Observation
from mapper.mapping.engine import compile_mapping
from mapper.mapping.mirror import Mirror
from vendors.catalogue import CatalogueField, FieldCatalogue

PARTS = Transform("address", {"parts": ["street", "city", "state", "zip", "country"]})
FIELDS = FieldCatalogue((CatalogueField("billing", "Billing", "address"), CatalogueField("website", "Website", "url")))
NOW = datetime(2026, 5, 4, tzinfo=UTC)
# As the readers of the two vendors tell it: one knows a second line and a person, neither leaves out what is empty.
BOOKS: dict[str, Any] = {
    "attention": "Ida", "street": "Main Street 1", "street2": "Back yard", "city": "Vienna", "state": None, "zip": "1010",
    "country": "Austria", "phone": None,
}  # fmt: skip
CRM: dict[str, Any] = {
    "attention": None, "street": "Main Street 1, Back yard", "street2": None, "city": "Vienna", "state": None, "zip": "1010",
    "country": "Austria", "phone": None,
}  # fmt: skip


def mirror() -> Mirror:
    rows = (
        MappingRow("billing", "billing", (PARTS,)),
        MappingRow("website", "website", (Transform("url"),)),
    )
    compiled = compile_mapping(
        MappingDefinition(1, (*rows, MappingRow("key", "id")), key="key"), FIELDS, collected=("key",)
    )
    return Mirror(compiled, compiled)


def judgement(left: dict[str, Any], right: dict[str, Any]) -> Any:
    both, pair = mirror(), Pair()
    pair = seen(pair, "left", Observation(NOW, True, both.values("left", left, whole=True)))
    pair = seen(pair, "right", Observation(NOW, True, both.values("right", right, whole=True)))
    return judged(pair, Policy(), both.translate)


class TestForms:
    def test_the_same_address_is_written_nowhere(self) -> None:
        found = judgement({"billing": BOOKS}, {"billing": CRM})
        assert (found.writes("left"), found.writes("right")) == ({}, {})
        assert found.merged.agreed == ("billing",)

    def test_an_address_of_another_city_goes_with_the_parts_that_the_other_side_has(self) -> None:
        found = judgement({"billing": BOOKS}, {"billing": CRM | {"city": "Graz"}})
        assert found.writes("left") == {}
        assert found.writes("right")["billing"].sent == {
            "street": "Main Street 1, Back yard", "city": "Vienna", "zip": "1010", "country": "Austria",
        }  # fmt: skip

    def test_no_address_is_no_difference_to_an_empty_one(self) -> None:
        found = judgement({"billing": None}, {"billing": dict.fromkeys(CRM)})
        assert (found.writes("left"), found.writes("right")) == ({}, {})

    def test_a_website_without_its_scheme_is_the_same(self) -> None:
        found = judgement({"website": "alder.example"}, {"website": "https://alder.example"})
        assert (found.writes("left"), found.writes("right")) == ({}, {})
