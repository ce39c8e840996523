"""Invoices, payments and credits: what is owed follows every document, to the last digit."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from tests.contract.sandbox.zoho_books.books import Books, Document
from tests.support.sandbox import SandboxProcess


def exactly(books: Books, path: str) -> Document:
    """A detail with its numbers as decimals, as they were written."""
    document = json.loads(books.send("GET", path).content, parse_float=Decimal)
    return next(value for key, value in document.items() if key not in ("code", "message"))


def money(document: Document, *names: str) -> list[str]:
    return [str(document[name]) for name in names]


@pytest.fixture
def customer(books: Books) -> str:
    return str(books.contact("Alder", "ida@alder.example")["contact_id"])


def owed(books: Books, customer: str) -> str:
    return str(exactly(books, f"/contacts/{customer}")["outstanding_receivable_amount"])


def tax_of(books: Books, name: str) -> str:
    return next(row["tax_id"] for row in books.told("GET", "/settings/taxes")["taxes"] if row["tax_name"] == name)


def currency_of(books: Books, code: str) -> str:
    rows = books.told("GET", "/settings/currencies")["currencies"]
    return next(row["currency_id"] for row in rows if row["currency_code"] == code)


class TestInvoice:
    def test_is_a_draft_until_it_is_sent(self, books: Books, customer: str) -> None:
        invoice = books.invoice(customer, {"name": "Work", "rate": 100})
        assert invoice["status"] == "draft"
        assert owed(books, customer) == "0.00"
        told = books.told("POST", f"/invoices/{invoice['invoice_id']}/status/sent")
        assert told["message"] == "Invoice status has been changed to Sent."
        assert books.read("invoices", invoice["invoice_id"])["status"] == "sent"
        assert owed(books, customer) == "100.00"

    def test_becomes_overdue_by_the_calendar(self, books: Books, customer: str, sandbox: SandboxProcess) -> None:
        # Noon, as the organisation's day is not the machine's: an hour before midnight in UTC it is tomorrow in Berlin.
        sandbox.post("clock", {"at": "2026-11-22T12:00:00Z"})
        invoice = books.sent_invoice(customer, date="2026-11-22", due_date="2026-11-22")
        assert invoice["status"] == "sent"
        sandbox.post("clock", {"advance_s": 2 * 86_400})
        operator = Books(books.base_url, books.organization_id, _operator(sandbox))
        assert operator.read("invoices", invoice["invoice_id"])["status"] == "overdue"
        assert len(operator.told("GET", "/invoices", status="overdue")["invoices"]) == 1

    def test_works_out_taxes_discount_shipping_and_adjustment(self, books: Books, customer: str) -> None:
        standard, reduced = tax_of(books, "Standard Rate"), tax_of(books, "Reduced Rate")
        lines = [
            {"name": "A", "rate": "33.33", "quantity": 3, "tax_id": standard},
            {"name": "B", "rate": "10.01", "quantity": 1, "tax_id": reduced},
        ]
        extra: dict[str, Any] = {
            "discount": "10%",
            "discount_type": "entity_level",
            "is_discount_before_tax": True,
            "shipping_charge": "4.90",
            "adjustment": "-0.01",
        }
        made = books.invoice(customer, *lines, **extra)
        found = exactly(books, f"/invoices/{made['invoice_id']}")
        # 99.99 + 10.01 = 110.00, less 11.00; 19 % of 89.991 and 7 % of 9.009, each rounded once
        assert money(found, "sub_total", "discount_total", "tax_total", "total") == [
            "110.00",
            "11.00",
            "17.73",
            "121.62",
        ]
        assert [money(tax, "tax_name", "tax_amount") for tax in found["taxes"]] == [
            ["Standard Rate", "17.10"],
            ["Reduced Rate", "0.63"],
        ]

    def test_knows_rates_that_include_tax(self, books: Books, customer: str) -> None:
        line = {"name": "A", "rate": "119.00", "tax_id": tax_of(books, "Standard Rate")}
        found = exactly(books, f"/invoices/{books.invoice(customer, line, is_inclusive_tax=True)['invoice_id']}")
        assert money(found, "sub_total", "tax_total", "total") == ["100.00", "19.00", "119.00"]

    @pytest.mark.parametrize(("code", "rate", "total"), [("JPY", "1234.5", "1235"), ("KWD", "1.2345", "1.235")])
    def test_rounds_to_the_currencys_digits(
        self, books: Books, customer: str, code: str, rate: str, total: str
    ) -> None:
        made = books.invoice(customer, {"name": "A", "rate": rate}, currency_id=currency_of(books, code))
        found = exactly(books, f"/invoices/{made['invoice_id']}")
        assert str(found["total"]) == str(found["balance"]) == total

    def test_takes_its_own_number_only_when_asked_to(self, books: Books, customer: str) -> None:
        body = {"customer_id": customer, "line_items": [{"name": "A", "rate": 1}], "invoice_number": "X-1"}
        assert books.told("POST", "/invoices", body, 201)["invoice"]["invoice_number"] == "INV-000001"
        own = {"ignore_auto_number_generation": "true"}
        assert books.told("POST", "/invoices", body, 201, **own)["invoice"]["invoice_number"] == "X-1"
        assert books.refused("POST", "/invoices", body, **own)[:2] == (400, 1001)
        books.refused("POST", "/invoices", body | {"line_items": []})
        assert books.told("POST", "/invoices", body, 201)["invoice"]["invoice_number"] == "INV-000002"

    def test_takes_the_rate_of_the_day_when_none_is_said(self, books: Books, customer: str) -> None:
        usd = currency_of(books, "USD")
        books.told(
            "POST", f"/settings/currencies/{usd}/exchangerates", {"effective_date": "2026-03-01", "rate": 0.9}, 201
        )
        made = books.invoice(customer, currency_id=usd, date="2026-03-05", due_date="2026-03-05")
        earlier = books.invoice(customer, currency_id=usd, date="2026-02-05", due_date="2026-02-05")
        said = books.invoice(customer, currency_id=usd, date="2026-03-05", due_date="2026-03-05", exchange_rate=0.8)
        assert (made["exchange_rate"], said["exchange_rate"]) == (0.9, 0.8)
        assert earlier["exchange_rate"] not in (0.9, 0.8)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"currency_id": "1"},
            {"line_items": [{"name": "A", "rate": 1, "tax_id": "1"}]},
            {"line_items": [{"item_id": "1"}]},
            {"line_items": [{"rate": 5}]},
            {"line_items": []},
            {"line_items": [{"name": "A", "rate": "NaN"}]},
            {"line_items": [{"name": "A", "rate": "1e30"}]},
            {"line_items": [{"name": "A", "rate": -5}]},
            {"date": "2026-02-30"},
            {"due_date": "1999-01-01"},
            {"discount": "101%"},
            {"customer_id": "1"},
        ],
    )
    def test_refuses_what_does_not_fit(self, books: Books, customer: str, wrong: Document) -> None:
        body = {"customer_id": customer, "line_items": [{"name": "A", "rate": 1}], **wrong}
        status, code, _ = books.refused("POST", "/invoices", body)
        assert (status, code) in ((400, 2), (400, 4))
        assert books.told("GET", "/invoices")["invoices"] == []

    def test_replaces_its_lines(self, books: Books, customer: str) -> None:
        made = books.invoice(customer, {"name": "A", "rate": 1}, {"name": "B", "rate": 2})
        keep = made["line_items"][1]["line_item_id"]
        body = {"line_items": [{"line_item_id": keep, "quantity": 3}, {"name": "C", "rate": 4}]}
        after = books.told("PUT", f"/invoices/{made['invoice_id']}", body)["invoice"]
        assert [(line["name"], line["item_total"]) for line in after["line_items"]] == [("B", 6.0), ("C", 4.0)]
        assert after["total"] == 10

    def test_of_the_list_has_an_address_with_zipcode_and_no_lines(self, books: Books) -> None:
        customer = books.contact("Birch", billing_address={"zip": "53111"})["contact_id"]
        books.invoice(customer)
        [row] = books.told("GET", "/invoices")["invoices"]
        assert row["billing_address"]["zipcode"] == "53111"
        assert "line_items" not in row

    def test_is_found_by_its_documented_filters_only(
        self, books: Books, customer: str, sandbox: SandboxProcess
    ) -> None:
        first = books.invoice(customer, {"name": "A", "rate": 10}, reference_number="PO 1")
        sandbox.post("clock", {"advance_s": 60})
        second = books.invoice(customer, {"name": "B", "rate": 20})
        ids = {name: one["invoice_id"] for name, one in (("first", first), ("second", second))}

        def found(**query: object) -> set[str]:
            rows = books.told("GET", "/invoices", **query)["invoices"]
            return {name for name, id_ in ids.items() if id_ in {row["invoice_id"] for row in rows}}

        assert found(reference_number="po 1") == found(total_less_than=15) == found(item_name="A") == {"first"}
        assert found(last_modified_time=second["last_modified_time"]) == {"second"}
        assert found(customer_id=customer) == found(customer_id_contains="x") == {"first", "second"}
        assert found(salesperson_name="nobody") == {"first", "second"}

    def test_filter_by_time_needs_an_encoded_plus(self, books: Books, customer: str) -> None:
        place = f"{books.base_url}/invoices?organization_id={books.organization_id}&last_modified_time="
        headers = {"authorization": f"Zoho-oauthtoken {books.token}"}
        assert books.http.get(place + "2026-01-01T00:00:00%2B0100", headers=headers).status_code == 200
        assert books.http.get(place + "2026-01-01T00:00:00+0100", headers=headers).status_code == 400


def _operator(sandbox: SandboxProcess) -> str:
    rows: Any = sandbox.get("accounts")["accounts"]
    return next(str(row["operator_token"]) for row in rows if (row["vendor"], row["name"]) == ("zoho-books", "demo"))


class TestPayment:
    def test_settles_in_parts(self, books: Books, customer: str) -> None:
        invoice = books.sent_invoice(customer, {"name": "A", "rate": "100.10"})["invoice_id"]
        books.payment(customer, "40.05", **{f"i{invoice}": "40.05"})
        part = exactly(books, f"/invoices/{invoice}")
        assert money(part, "status", "payment_made", "balance") == ["partially_paid", "40.05", "60.05"]
        books.payment(customer, "60.05", **{f"i{invoice}": "60.05"})
        assert money(exactly(books, f"/invoices/{invoice}"), "status", "balance") == ["paid", "0.00"]
        assert owed(books, customer) == "0.00"

    def test_leaves_what_is_too_much_unused(self, books: Books, customer: str) -> None:
        invoice = books.sent_invoice(customer)["invoice_id"]
        made = books.payment(customer, 130, **{f"i{invoice}": 100})
        assert made["unused_amount"] == 30
        contact = exactly(books, f"/contacts/{customer}")
        assert str(contact["unused_credits_receivable_amount"]) == "30.00"

    def test_cannot_pay_more_than_is_owed(self, books: Books, customer: str) -> None:
        invoice = books.sent_invoice(customer)["invoice_id"]
        parts = [{"invoice_id": invoice, "amount_applied": "100.01"}]
        body = {"customer_id": customer, "payment_mode": "cash", "amount": 200, "date": "2026-01-01", "invoices": parts}
        assert books.refused("POST", "/customerpayments", body)[:2] == (400, 24016)
        few = body | {"amount": 50, "invoices": [{"invoice_id": invoice, "amount_applied": 100}]}
        assert books.refused("POST", "/customerpayments", few)[:2] == (400, 2)
        assert owed(books, customer) == "100.00"

    def test_waits_for_a_draft_to_be_sent_unless_switched(
        self, books: Books, customer: str, sandbox: SandboxProcess
    ) -> None:
        invoice = books.invoice(customer)["invoice_id"]
        parts = [{"invoice_id": invoice, "amount_applied": 100}]
        body = {"customer_id": customer, "payment_mode": "cash", "amount": 100, "date": "2026-01-01", "invoices": parts}
        assert books.refused("POST", "/customerpayments", body)[0] == 400
        sandbox.post("limits", {"vendor": "zoho-books", "account": "demo", "payments_open_drafts": True})
        books.told("POST", "/customerpayments", body, 201)
        assert books.read("invoices", invoice)["status"] == "paid"

    def test_is_undone_by_its_deletion_and_its_change(self, books: Books, customer: str) -> None:
        invoice = books.sent_invoice(customer)["invoice_id"]
        made = books.payment(customer, 100, **{f"i{invoice}": 100})["payment_id"]
        changed = {"invoices": [{"invoice_id": invoice, "amount_applied": 70}]}
        books.told("PUT", f"/customerpayments/{made}", changed)
        assert money(exactly(books, f"/invoices/{invoice}"), "status", "balance") == ["partially_paid", "30.00"]
        assert books.told("DELETE", f"/customerpayments/{made}")["message"] == "The payment has been deleted."
        assert money(exactly(books, f"/invoices/{invoice}"), "status", "balance") == ["sent", "100.00"]
        assert owed(books, customer) == "100.00"

    def test_keeps_its_invoice_from_being_voided_or_deleted(self, books: Books, customer: str) -> None:
        invoice = books.sent_invoice(customer)["invoice_id"]
        books.payment(customer, 10, **{f"i{invoice}": 10})
        assert books.refused("POST", f"/invoices/{invoice}/status/void")[0] == 400
        assert books.refused("DELETE", f"/invoices/{invoice}")[0] == 400

    def test_list_has_the_wires_key_and_ignores_the_time_filter(self, books: Books, customer: str) -> None:
        books.payment(customer, 5)
        page = books.told("GET", "/customerpayments", last_modified_time="2099-01-01T00:00:00+0000")
        assert len(page["customerpayments"]) == 1
        assert isinstance(page["page_context"], dict)


class TestCreditNote:
    def test_settles_an_invoice_and_gives_back(self, books: Books, customer: str) -> None:
        invoice = books.sent_invoice(customer)["invoice_id"]
        body = {"customer_id": customer, "line_items": [{"name": "Credit", "rate": 60}]}
        note = books.told("POST", "/creditnotes", body, 201)["creditnote"]["creditnote_id"]
        assert str(exactly(books, f"/contacts/{customer}")["unused_credits_receivable_amount"]) == "60.00"
        parts = {"invoices": [{"invoice_id": invoice, "amount_applied": 60}]}
        books.told("POST", f"/creditnotes/{note}/invoices", parts)
        assert money(exactly(books, f"/invoices/{invoice}"), "status", "credits_applied", "balance") == [
            "partially_paid",
            "60.00",
            "40.00",
        ]
        assert exactly(books, f"/creditnotes/{note}")["status"] == "closed"
        [part] = books.told("GET", f"/creditnotes/{note}/invoices")["invoices_credited"]
        books.told("DELETE", f"/creditnotes/{note}/invoices/{part['creditnote_invoice_id']}")
        assert owed(books, customer) == "100.00"

    def test_gives_money_back_and_never_more_than_it_has(self, books: Books, customer: str) -> None:
        body = {"customer_id": customer, "line_items": [{"name": "Credit", "rate": 60}]}
        note = books.told("POST", "/creditnotes", body, 201)["creditnote"]["creditnote_id"]
        back = {"date": "2026-01-02", "refund_mode": "cash", "amount": 45, "reference_number": "r1"}
        books.told("POST", f"/creditnotes/{note}/refunds", back)
        assert books.refused("POST", f"/creditnotes/{note}/refunds", back)[:2] == (400, 2)
        assert money(exactly(books, f"/creditnotes/{note}"), "status", "balance") == ["open", "15.00"]
        books.told("POST", f"/creditnotes/{note}/refunds", back | {"amount": 15, "reference_number": "r2"})
        assert exactly(books, f"/creditnotes/{note}")["status"] == "closed"
        given = books.told("GET", f"/creditnotes/{note}/refunds")["creditnote_refunds"]
        assert sorted(one["reference_number"] for one in given) == ["r1", "r2"]
        assert books.refused("POST", f"/creditnotes/{note}/status/void")[0] == 400

    def test_void_owes_nothing(self, books: Books, customer: str) -> None:
        body = {"customer_id": customer, "line_items": [{"name": "Credit", "rate": 60}]}
        note = books.told("POST", "/creditnotes", body, 201)["creditnote"]["creditnote_id"]
        books.told("POST", f"/creditnotes/{note}/status/void")
        assert str(exactly(books, f"/contacts/{customer}")["unused_credits_receivable_amount"]) == "0.00"


class TestVoid:
    def test_takes_the_invoice_out_of_the_ledger(self, books: Books, customer: str) -> None:
        invoice = books.sent_invoice(customer)["invoice_id"]
        told = books.told("POST", f"/invoices/{invoice}/status/void")
        assert told["message"] == "Invoice status has been changed to Void."
        assert owed(books, customer) == "0.00"


class TestCustomersTime:
    @pytest.mark.parametrize("touches", [False, True])
    def test_moves_with_a_payment_only_when_switched(
        self, books: Books, customer: str, sandbox: SandboxProcess, touches: bool
    ) -> None:
        sandbox.post("limits", {"vendor": "zoho-books", "account": "demo", "receivables_touch_contact": touches})
        before = books.read("contacts", customer)["last_modified_time"]
        sandbox.post("clock", {"advance_s": 60})
        books.sent_invoice(customer)
        after = books.read("contacts", customer)["last_modified_time"]
        assert (after != before) == touches


class TestStrictOrganisation:
    def test_tells_that_it_would_have_been_mailed(self, books: Books, customer: str) -> None:
        body = {"customer_id": customer, "line_items": [{"name": "Timber", "rate": 100}]}
        assert books.told("POST", "/invoices", body, 201)["invoice"]["is_emailed"] is False
        mailed = books.told("POST", "/invoices", body, 201, send="true")["invoice"]
        assert (mailed["is_emailed"], mailed["status"]) == (True, "sent")

    @pytest.mark.parametrize(
        ("switched", "more"),
        [
            ({"locked_until": "2026-01-31"}, {"date": "2026-01-31"}),
            ({"customer_currency_only": True}, {"currency": "JPY"}),
            ({"tax_mandatory": True}, {}),
        ],
    )
    def test_is_refused_where_an_organisation_is_switched_to_be_strict(
        self, books: Books, customer: str, sandbox: SandboxProcess, switched: dict[str, object], more: dict[str, str]
    ) -> None:
        if "currency" in more:
            listed = books.told("GET", "/settings/currencies")["currencies"]
            more = {
                "currency_id": next(one["currency_id"] for one in listed if one["currency_code"] == more["currency"])
            }
        body = {"customer_id": customer, "date": "2026-01-10", "line_items": [{"name": "Timber", "rate": 100}], **more}
        books.told("POST", "/invoices", body, 201)
        sandbox.post("limits", {"vendor": "zoho-books", "account": "demo", **switched})
        assert books.refused("POST", "/invoices", body)[0] == 400

    def test_once_posted_is_edited_with_a_reason_where_that_is_switched(
        self, books: Books, customer: str, sandbox: SandboxProcess
    ) -> None:
        invoice = books.sent_invoice(customer)["invoice_id"]
        sandbox.post("limits", {"vendor": "zoho-books", "account": "demo", "edits_want_reason": True})
        assert books.refused("PUT", f"/invoices/{invoice}", {"notes": "n"})[:2] == (400, 4)
        books.told("PUT", f"/invoices/{invoice}", {"notes": "n", "reason": "typo"})

    @pytest.mark.parametrize(("races", "made"), [(False, [201, 200]), (True, [201, 201])])
    def test_takes_one_unique_value_twice_within_a_second_where_that_is_switched(
        self, books: Books, customer: str, sandbox: SandboxProcess, races: bool, made: list[int]
    ) -> None:
        sandbox.post("limits", {"vendor": "zoho-books", "account": "demo", "unique_values_race": races})
        named = {
            "X-Unique-Identifier-Key": "cf_shopify_order_id",
            "X-Unique-Identifier-Value": "o1",
            "X-Upsert": "true",
        }
        custom = [{"api_name": "cf_shopify_order_id", "value": "o1"}]
        body = {"customer_id": customer, "line_items": [{"name": "Timber", "rate": 100}], "custom_fields": custom}
        assert [books.send("PUT", "/invoices", body, named).status_code for _ in range(2)] == made
        sandbox.post("clock", {"advance_s": 5})
        assert books.refused("POST", "/invoices", body)[:2] == (400, 2), "later it is known"
