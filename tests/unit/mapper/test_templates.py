"""Shipped templates hold against what their vendors read and write, and leave nothing of it to chance."""

from __future__ import annotations

import pytest

from common.contracts.ids import Entity
from mapper.mapping.definitions import read_definition, template
from mapper.mapping.engine import compile_mapping
from mapper.mapping.problems import MappingInvalid
from mapper.state import RecordState
from mapper.wish import wish_of
from vendors import shopify, zoho_books
from vendors.catalogue import FieldCatalogue
from vendors.zoho_books.invoice_fields import FIELDS

LEGS = {leg["source"]["entity"]: leg for leg in template("shopify-to-zoho-books")["legs"]}
AMOUNT = {"shop": "10.00", "presentment": "10.00"}


class TestShopToBooks:
    @pytest.mark.parametrize("told", [{"id": "7", "updated_at": "2026-05-04T10:00:00Z"}])
    def test_an_order_of_which_a_list_told_the_name_waits_for_the_rest(self, told: dict[str, str]) -> None:
        compiled = compile_mapping(read_definition(1, LEGS["order"]), FieldCatalogue(FIELDS), collected=())
        source, target = shopify.VENDOR.source, zoho_books.VENDOR.targets[Entity("invoice")]
        assert source is not None
        needs = frozenset(compiled.reads & source.detail_only[Entity("order")])
        state = RecordState(fields=told, field_versions=dict.fromkeys(told, "1"), sequence="1")
        assert wish_of(state, compiled, target, unknown=state.unknown(needs)).wish == "keep"
        whole = {"lines": [{"id": "1"}], "total": AMOUNT, "customer_id": "3"}
        fields = {**told, **whole}
        state = RecordState(fields=fields, field_versions=dict.fromkeys(fields, "1"), sequence="1")
        wish = wish_of(state, compiled, target, unknown=state.unknown(needs))
        # What nobody has told is not in it: no transactions is not "none".
        assert wish.wish == "present"
        assert wish.document == {"key": "7", **whole}

    @pytest.mark.parametrize(
        ("setting", "words"),
        [
            ("missing_item", "make, free line, stop"),
            ("unknown_tax", "stop, make"),
            ("inactive_customer", "stop, reactivate"),
        ],
    )
    def test_a_setting_that_does_not_exist_is_told_before_any_order(self, setting: str, words: str) -> None:
        rows = [*LEGS["order"]["rows"], {"target": setting, "from": "'perhaps'"}]
        with pytest.raises(MappingInvalid, match=f"{setting}.*perhaps is meant, and the field takes {words}"):
            compile_mapping(read_definition(1, LEGS["order"] | {"rows": rows}), FieldCatalogue(FIELDS), collected=())

    def test_a_customer_without_a_name_is_called_by_the_address(self) -> None:
        compiled = compile_mapping(read_definition(1, LEGS["customer"]), None, collected=())
        assert compiled.apply({"email": " ada@example.org ", "name": None}).document["name"] == "ada@example.org"
