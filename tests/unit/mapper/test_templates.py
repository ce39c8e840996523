"""Shipped templates hold against what their vendors read and write, and leave nothing of it to chance."""

from __future__ import annotations

import re

import pytest

from common.contracts.ids import Entity
from mapper.mapping.definitions import read_definition, template
from mapper.mapping.engine import CompiledMapping, compile_mapping
from mapper.mapping.mirror import Mirror
from mapper.mapping.problems import MappingInvalid
from mapper.state import RecordState
from mapper.wish import wish_of
from vendors import shopify, zoho_books
from vendors.catalogue import FieldCatalogue
from vendors.zoho_books.invoice_fields import FIELDS

LEGS = {leg["source"]["entity"]: leg for leg in template("shopify-to-zoho-books")["legs"]}
TWO_WAYS = {leg["name"]: leg for leg in template("zoho-books-zoho-crm")["legs"]}
WAYS = [name for name, leg in TWO_WAYS.items() if f"{name}-back" in TWO_WAYS]
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


class TestBooksAndCrm:
    @pytest.mark.parametrize("leg", TWO_WAYS)
    def test_nobody_s_consent_is_in_it(self, leg: str) -> None:
        """Who wants no mail has said so in one place; carried to another by a sync it is raised by the next conflict."""
        consent = re.compile(r"opt|consent|subscri|unsub|mail_status", re.IGNORECASE)
        given = TWO_WAYS[leg]
        assert [row for row in given["rows"] if consent.search(f"{row['target']} {row['from']}")] == []
        assert consent.search(given.get("filter", "")) is None

    @pytest.mark.parametrize("leg", WAYS)
    def test_who_wins_is_said_of_every_field_that_both_ways_carry_and_of_no_other(self, leg: str) -> None:
        merged = mirror(leg).paths
        assert set(TWO_WAYS[leg]["options"]["conflicts"]) == set(merged)
        assert "key" not in merged and "customer_id" not in merged

    @pytest.mark.parametrize("leg", WAYS)
    def test_addresses_are_the_books_and_names_and_telephones_the_sales_peoples(self, leg: str) -> None:
        for field, rule in TWO_WAYS[leg]["options"]["conflicts"].items():
            owner = {"billing": "source", "shipping": "source", "phone": "target", "mobile": "target"}
            assert rule == owner.get(field, "target" if "name" in field else "newest"), field

    def test_every_customer_and_every_contact_is_of_one_leg(self) -> None:
        for value in ("X", "", None):
            assert [compiled(leg).passes({"company": value}) for leg in ("account", "contact")] == [
                bool(value),
                not value,
            ]
            assert compiled("contact-back").passes({"customer_id": value}) is not bool(value)


def compiled(leg: str) -> CompiledMapping:
    return compile_mapping(read_definition(1, TWO_WAYS[leg]), None, collected=())


def mirror(leg: str) -> Mirror:
    return Mirror(compiled(leg), compiled(f"{leg}-back"))


class TestMoneyInCrm:
    """What sales people see of invoices; pure, by the engine that runs it."""

    def test_an_invoice_says_what_the_books_say_on_one_line(self) -> None:
        told = {
            "id": "9",
            "number": "INV-9",
            "customer_id": "7",
            "status": "sent",
            "currency": "EUR",
            "total": "119.10",
        }
        money = {"balance": "19.10", "issued_on": "2026-04-20", "due_on": "2026-05-20"}
        found = compiled("invoice").apply(told | money).document
        assert found["lines"] == [{"name": "INV-9", "quantity": "1", "rate": "119.10"}]
        assert (found["key"], found["custom.Books_Balance"], found["custom.Books_Due"]) == ("9", "19.10", "2026-05-20")
        assert not compiled("invoice").passes(told | {"status": "draft"}) and compiled("invoice").passes(told | {"status": "void"})  # fmt: skip

    @pytest.mark.parametrize(("currencies", "said"), [(["EUR"], "open"), (["EUR", "JPY"], "open (EUR, JPY)"), ([], "open")])  # fmt: skip
    def test_a_deal_of_several_currencies_names_them(self, currencies: list[str], said: str) -> None:
        facts = {"invoiced": None, "payment_status": "open", "currencies": currencies, "named_by": ["custom field"]}
        found = compiled("deal").apply({"id": "700", "facts": facts}).document
        assert (found["custom.Books_Status"], found["custom.Books_Linked_By"]) == (said, "custom field")
        assert found["custom.Books_Invoiced"] is None

    def test_a_payment_is_under_its_invoice_or_where_there_are_none_under_the_customer(self) -> None:
        under = [row["target"] for also in TWO_WAYS["payment"]["also"] for row in also["rows"]]
        told = {"id": "1-9", "invoice_id": "9", "customer_id": "7", "amount": "5.00", "currency": "EUR"}
        assert under == ["under"] and "under" not in compiled("payment").apply(told).document
