"""What was invoiced and paid in Zoho Books, as sales people see it in Zoho CRM: invoices, notes of payments, and each deal within seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from millrace.demo import connect_books
from millrace.demo_crm import connect_crm, join_people
from tests.e2e.opening import opened
from tests.e2e.road import Road
from tests.e2e.sales import Sales
from tests.support.database import Server
from tests.support.local_stack import LocalStack

STEPS = (connect_books, connect_crm, join_people)
WITHIN_S = 120.0
UNREAD = """
select count(*) from core.leg l join core.mapping_version m on (m.sync, m.version, m.leg) = (l.sync, l.mapping_version, l.name)
  left join flow.match_ready r on (r.sync, r.leg) = (l.sync, l.name)
 where l.direction = 'forward' and m.definition -> 'options' -> 'match' <> '[]'
   and split_part(coalesce(r.versions, ''), '/', 1) <> l.mapping_version::text
"""


@pytest.fixture(scope="module")
def road(
    tmp_path_factory: pytest.TempPathFactory, stack: LocalStack, database_server: Server, database_template: str
) -> Iterator[Road]:
    """Both sides joined, with the writer between them, and a field of the books' that names deals."""
    with opened(tmp_path_factory.mktemp("money") / "home", stack, database_server, database_template, STEPS) as road:
        field = {"do": "add_custom_field", "module": "invoice", "label": "CRM deal id", "in_lists": True}
        road.sandbox.post("zoho-books/demo/people", field)
        road.fleet.start("writer-zoho")
        # Whoever is told in the first lists and has no address is asked about: here they come afterwards.
        road.until(lambda: road.sql.value(UNREAD) == 0, "both sides are read", WITHIN_S)
        yield road


@pytest.fixture(scope="module")
def sales(road: Road) -> Sales:
    return Sales(road.sandbox)


@pytest.fixture(scope="module")
def customer(road: Road, sales: Sales) -> str:
    """A company that both sides know."""
    body = {"contact_name": "Alder Works", "company_name": "Alder Works", "contact_type": "customer"}
    record = str(road.books.told("POST", "/contacts", body)["contact"]["contact_id"])
    road.until(lambda: sales.named("Accounts", Books_Id=record), "the account", WITHIN_S)
    return record


def sent(road: Road, customer: str, deal: str, rate: str, **more: object) -> dict[str, Any]:
    """An invoice that was sent, for a deal."""
    named = [{"api_name": "cf_crm_deal_id", "value": deal}]
    body = {"customer_id": customer, "line_items": [{"name": "Roof", "rate": rate}], "custom_fields": named, **more}
    made = road.books.told("POST", "/invoices", body)["invoice"]
    road.books.told("POST", f"/invoices/{made['invoice_id']}/status/sent")
    return dict(road.books.told("GET", f"/invoices/{made['invoice_id']}")["invoice"])


def paid(road: Road, customer: str, **invoices: str) -> str:
    """One payment, of so much of each of these."""
    shares = [{"invoice_id": id.removeprefix("i"), "amount_applied": amount} for id, amount in invoices.items()]
    total = str(sum(map(Decimal, invoices.values())))
    body = {"customer_id": customer, "payment_mode": "cash", "amount": total, "date": "2026-01-05", "invoices": shares}
    return str(road.books.told("POST", "/customerpayments", body)["payment"]["payment_id"])


def said(sales: Sales, invoice: str) -> list[str]:
    """The titles of the notes under an invoice, the first one first."""
    found = sales.named("Invoices", Books_Invoice_Id=invoice)
    notes = [one for one in sales.records("Notes") if found and found["id"] in str(one["Parent_Id"])]
    return [str(one["Note_Title"]) for one in sorted(notes, key=lambda one: int(one["id"]))]


class TestMoney:
    def test_an_invoice_is_there_with_what_the_books_say_and_its_deal_adds_up(
        self, road: Road, sales: Sales, customer: str
    ) -> None:
        deal = sales.made("Deals", Deal_Name="Roof", Stage="Qualification")
        one, other = sent(road, customer, deal, "100.10"), sent(road, customer, deal, "0.05")
        for invoice in (one, other):
            road.until(lambda: sales.named("Invoices", Books_Invoice_Id=invoice["invoice_id"]), "the invoice", WITHIN_S)  # noqa: B023
        found = sales.named("Invoices", Books_Invoice_Id=one["invoice_id"])
        assert found is not None
        assert (found["Subject"], found["Books_Total"], found["Books_Balance"]) == (one["invoice_number"], 100.1, 100.1)
        road.until(lambda: sales.named("Deals", id=deal, Books_Invoiced=100.15), "what was invoiced", WITHIN_S)
        shown = sales.named("Deals", id=deal)
        assert shown is not None
        assert (shown["Books_Paid"], shown["Books_Outstanding"]) == (0, 100.15)
        assert (shown["Deal_Name"], shown["Stage"], shown["Books_Linked_By"]) == (
            "Roof",
            "Qualification",
            "custom field",
        )

    def test_a_payment_is_seen_at_its_deal_within_seconds_and_is_said_once_under_each_invoice(
        self, road: Road, sales: Sales, customer: str
    ) -> None:
        deal = sales.made("Deals", Deal_Name="Walls", Stage="Qualification")
        one, other = (sent(road, customer, deal, rate)["invoice_id"] for rate in ("60.10", "39.95"))
        road.until(lambda: sales.named("Deals", id=deal, Books_Invoiced=100.05), "what was invoiced", WITHIN_S)
        road.wait_until_quiet()
        began, mark = time.monotonic(), road.mark()
        payment = paid(road, customer, **{f"i{one}": "60.10", f"i{other}": "39.95"})
        road.until(lambda: sales.named("Deals", id=deal, Books_Status="paid"), "the deal is paid", WITHIN_S)
        print(f"a payment is seen at its deal after {time.monotonic() - began:.2f} s")
        # The next look at the list is minutes away: each of the two was read because the payment was told of.
        reads = [call["route"] for call in road.calls_of(mark, "zoho-books") if call["method"] == "GET"]
        assert reads.count("GET /invoices") == 0 and reads.count("GET /invoices/{invoice_id}") >= 2
        road.wait_until_quiet()
        shown = sales.named("Deals", id=deal)
        assert shown is not None and (shown["Books_Paid"], shown["Books_Outstanding"]) == (100.05, 0)
        assert said(sales, one) == ["Payment: 60.10 EUR"] and said(sales, other) == ["Payment: 39.95 EUR"]
        paper = sales.named("Invoices", Books_Invoice_Id=one)
        assert paper is not None and (paper["Books_Status"], paper["Books_Balance"]) == ("paid", 0)
        road.books.told("DELETE", f"/customerpayments/{payment}")
        road.until(lambda: said(sales, other)[1:] == ["Payment taken back"], "it is taken back", WITHIN_S)
        road.until(lambda: sales.named("Deals", id=deal, Books_Paid=0), "the deal is open again", WITHIN_S)

    def test_an_invoice_that_names_no_deal_is_for_the_one_open_deal_of_its_account(
        self, road: Road, sales: Sales, customer: str
    ) -> None:
        account = sales.named("Accounts", Books_Id=customer)
        assert account is not None
        invoice = sent(road, customer, "", "777.70")
        values = {
            "Stage": "Qualification",
            "Currency": "EUR",
            "Closing_Date": invoice["date"],
            "Account_Name": {"id": account["id"]},
        }
        deal = sales.made("Deals", Deal_Name="Floor", Amount=750, **values)
        road.until(lambda: sales.named("Deals", id=deal, Books_Invoiced=777.7), "what was invoiced", WITHIN_S)
        found = sales.named("Deals", id=deal)
        assert found is not None and (found["Books_Linked_By"], found["Books_Status"]) == ("open deal", "open")

    def test_a_replay_of_everything_says_nothing_twice(self, road: Road, sales: Sales) -> None:
        road.wait_until_quiet()
        before = {module: len(sales.records(module)) for module in ("Invoices", "Notes", "Products", "Deals")}
        with road.console() as console:
            console.post("/syncs/demo-people/runs", {"full": True})
        road.wait_until_quiet()
        assert {module: len(sales.records(module)) for module in before} == before
        assert [one["Product_Name"] for one in sales.records("Products")].count("Books invoice") == 1
