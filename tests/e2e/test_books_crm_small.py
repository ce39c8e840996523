"""An edition of Zoho CRM without invoices: what is known of a customer is on its account, and its payments are notes there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

import pytest

from millrace.demo import Demo, Say, connect_books
from millrace.demo_crm import CRM, connect_account, join_people
from tests.e2e.opening import opened
from tests.e2e.road import Road
from tests.e2e.sales import Sales
from tests.support.database import Server
from tests.support.local_stack import LocalStack

ACCOUNT = "demo-jp"
WITHIN_S = 120.0


def connect_standard(demo: Demo, say: Say) -> None:
    connect_account(demo, say, CRM, ACCOUNT)


@pytest.fixture(scope="module")
def road(
    tmp_path_factory: pytest.TempPathFactory, stack: LocalStack, database_server: Server, database_template: str
) -> Iterator[Road]:
    """The books of a company in Europe, and a standard account in Japan."""
    steps = (connect_books, connect_standard, join_people)
    with opened(tmp_path_factory.mktemp("small") / "home", stack, database_server, database_template, steps) as road:
        road.fleet.start("writer-zoho")
        yield road


def test_what_is_owed_is_on_the_account_and_each_payment_a_note_under_it(road: Road) -> None:
    sales, books = Sales(road.sandbox, ACCOUNT), road.books
    body: Mapping[str, object] = {"contact_name": "Alder", "company_name": "Alder", "contact_type": "customer"}
    customer = str(books.told("POST", "/contacts", body)["contact"]["contact_id"])
    lines = [{"name": "Roof", "rate": "100.10"}]
    made = books.told("POST", "/invoices", {"customer_id": customer, "line_items": lines})["invoice"]
    books.told("POST", f"/invoices/{made['invoice_id']}/status/sent")
    road.until(lambda: sales.named("Accounts", Books_Id=customer, Books_Outstanding=100.1), "what is owed", WITHIN_S)
    amount = Decimal("40.05")
    share = [{"invoice_id": made["invoice_id"], "amount_applied": str(amount)}]
    paid = {"customer_id": customer, "payment_mode": "cash", "amount": str(amount), "date": "2026-01-05"}
    books.told("POST", "/customerpayments", {**paid, "invoices": share})
    road.until(lambda: sales.named("Accounts", Books_Id=customer, Books_Outstanding=60.05), "what is left", WITHIN_S)
    road.wait_until_quiet()
    (note,) = sales.records("Notes")
    account = sales.named("Accounts", Books_Id=customer)
    assert account is not None and account["id"] in str(note["Parent_Id"])
    assert note["Note_Title"] == "Payment: 40.05 EUR"
    with road.console() as console:
        shown = console.get("/syncs/demo-people")
    assert "invoice" not in str([leg["name"] for leg in shown["legs"]]).replace("invoice_payment", "")
