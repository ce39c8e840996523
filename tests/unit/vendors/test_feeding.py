"""Of what a leg wants to be told: what it writes only where its target makes something of it."""

from __future__ import annotations

import pytest

from common.contracts.ids import ConnectionId, Entity, SyncId
from common.contracts.syncs import Leg, MappingDefinition
from vendors.feeding import fact_fields, gathered, heard_of
from vendors.feeds import Named
from vendors.registry import vendor_named


@pytest.mark.parametrize(("vendor", "entity", "hears"), [("mailchimp", "member", True), ("zoho-books", "customer", False), ("zoho-books", "invoice", False)])  # fmt: skip
def test_webhooks_of_what_is_written_are_asked_for_where_somebody_hears(
    vendor: str, entity: str, *, hears: bool
) -> None:
    """Of an organisation's quota nothing goes for events of our own invoices."""
    leg = Leg(
        SyncId("s"), Entity("order"), "forward", ConnectionId("shop"), Entity("order"), "", ConnectionId("there"), Entity(entity), "", "state", None,
    )  # fmt: skip
    told = heard_of(vendor_named("shopify").source, vendor_named(vendor).targets[Entity(entity)], leg)
    assert [connection for connection, _, _ in told] == ["shop", *(["there"] if hears else [])]


def test_of_what_only_others_tell_those_others_are_asked_for() -> None:
    """A deal of another system is no record of the books: a leg from it hears of the invoices that name it."""
    books = vendor_named("zoho-books").source
    assert books is not None and gathered(books).keys() == {"deal", "invoice_payment"}
    facts = MappingDefinition(1, (), key="key", facts=("invoiced", "payment_status"))
    leg = Leg(
        SyncId("s"), Entity("deal"), "forward", ConnectionId("books"), Entity("deal"), "", ConnectionId("there"), Entity("customer"), "", "state", facts,
    )  # fmt: skip
    assert heard_of(books, vendor_named("zoho-books").targets[Entity("customer")], leg) == [("books", "invoice", "")]
    named_by = [[field.path for field in fact_fields(books, Entity(one)) if field.path == "facts.named_by"] for one in ("deal", "customer")]  # fmt: skip
    assert named_by == [["facts.named_by"], []]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"custom.cf_crm_deal_id": " 5000123 ", "deal_id": "9"}, ("5000123", "custom field")),
        ({"custom.cf_crm_deal_id": None, "deal_id": "9"}, ("9", "zoho link")),
        ({"custom.cf_crm_deal_id": "see the offer", "deal_id": ""}, None),
        ({}, None),
    ],
)
def test_an_invoice_names_its_deal_by_a_field_of_a_person_before_the_vendors_own(fields: dict[str, str], named: tuple[str, str] | None) -> None:  # fmt: skip
    books = vendor_named("zoho-books").source
    assert books is not None
    gathers = books.feeds[Entity("invoice")].gathers
    assert gathers is not None and _pair(gathers.by(fields)) == named


def _pair(named: Named | None) -> tuple[str, str] | None:
    return (named.record, named.rule) if named else None
