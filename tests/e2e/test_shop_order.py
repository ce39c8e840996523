"""A shop's order becomes one posted and paid invoice of the right customer, whatever the shop tells of it and how often."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from millrace.demo import connect_books
from millrace.demo_shop import Shop, connect_shop, join_orders
from tests.e2e.opening import opened
from tests.e2e.road import Road
from tests.e2e.vendors import account
from tests.support.database import Server
from tests.support.local_stack import LocalStack

STEPS = (connect_books, connect_shop, join_orders)
# A webhook that a busy machine was too slow for comes again a minute later.
WITHIN_S = 180.0
WRITES = {"POST /contacts", "POST /invoices", "POST /invoices/{invoice_id}/status/sent", "POST /customerpayments"}


@pytest.fixture(scope="module")
def road(
    tmp_path_factory: pytest.TempPathFactory, stack: LocalStack, database_server: Server, database_template: str
) -> Iterator[Road]:
    """From the shop to the books, with the writer between them."""
    with opened(tmp_path_factory.mktemp("shop") / "home", stack, database_server, database_template, STEPS) as road:
        road.fleet.start("writer-zoho")
        yield road


def invoices(road: Road) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = road.books.told("GET", "/invoices")["invoices"]
    return found


class TestOrder:
    def test_is_one_invoice_posted_at_once_and_paid_when_it_is_paid(self, road: Road) -> None:
        """Placed unpaid, reworded, then paid by the buyer: five webhooks of three topics, and a poll that finds the same."""
        shop, mark = Shop(account(road.sandbox, "shopify")), road.mark()
        buyer = shop.people(
            "customer", customer={"email": "ida@alder.example", "firstName": "Ida", "lastName": "Alder"}
        )
        placed = shop.people("place_order", order=order(buyer["id"]))
        (invoice,) = road.until(
            lambda: [one for one in invoices(road) if one["status"] in ("sent", "overdue")], "the invoice", WITHIN_S
        )
        assert (str(invoice["total"]), str(invoice["balance"]), invoice["email"]) == (
            "24.7",
            "24.7",
            "ida@alder.example",
        )
        shop.people("reword_order", id=placed["id"], order={"note": "wrap it"})
        shop.people("pay_order", id=placed["id"], gateway="cash")
        road.until(lambda: [one for one in invoices(road) if one["status"] == "paid"], "it is paid", WITHIN_S)
        road.wait_until_quiet()
        (payment,) = road.books.told("GET", "/customerpayments")["customerpayments"]
        assert (str(payment["amount"]), payment["payment_mode"], payment["customer_name"]) == (
            "24.7",
            "cash",
            "Ida Alder",
        )
        (invoice,) = invoices(road)
        assert str(invoice["balance"]) == "0.0"
        writes = [one["route"] for one in road.calls_of(mark, "zoho-books") if one["route"] in WRITES]
        assert sorted(writes) == sorted(WRITES)

    def test_whose_webhooks_never_came_is_found_by_the_next_look(self, road: Road) -> None:
        shop = Shop(account(road.sandbox, "shopify"))
        buyer = shop.people("customer", customer={"email": "bo@alder.example", "firstName": "Bo"})
        road.wait_until_quiet()
        road.sandbox.post("faults", {"vendor": "shopify", "kind": "webhook_lost", "count": 50})
        shop.people("place_order", order=order(buyer["id"], financialStatus="PAID"))
        road.advance(20 * 60)
        road.until(
            lambda: len([one for one in invoices(road) if one["status"] == "paid"]) == 2, "both are paid", WITHIN_S
        )


def order(customer: str, **more: Any) -> dict[str, Any]:
    """Two mugs and a stamp at 19 %: 20.76 and 3.94."""
    price = {"shopMoney": {"amount": "10.38", "currencyCode": "EUR"}}
    lines = [{"title": "Mug", "sku": "MUG-2", "quantity": 2, "priceSet": price}]
    return {"customerId": customer, "lineItems": lines, "taxLines": [{"title": "VAT", "rate": "0.19"}], **more}
