"""The demo organisation of the simulated Zoho Books, as the suites need it."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from common.contracts.ids import ConnectionId, Entity, EventId, RecordId
from common.contracts.messages import Receipt
from tests.contract.sandbox.zoho_books.books import Books, Tokens, account_of
from tests.contract.vendors.account import InSandbox, door_to
from tests.support.sandbox import SandboxProcess
from vendors import zoho_books
from vendors.vendor import connection_of

_WHERE = {
    "customer": ("contacts", "contact"),
    "invoice": ("invoices", "invoice"),
    "payment": ("customerpayments", "payment"),
}
ADDRESS = {"attention": "Ida", "address": "Hauptstr. 1", "street2": "Hof", "city": "Bonn", "state": "NW", "zip": "53111", "country": "Germany", "phone": "+49 228 1"}  # fmt: skip
NEUTRAL = {("street" if name == "address" else name): value for name, value in ADDRESS.items()}


@dataclass
class BooksAccount(InSandbox):
    """Customers, invoices and payments, worked on as the organisation's operator."""

    books: Books
    place: str = ""
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def fill(self, entity: Entity, count: int) -> None:
        self.sandbox.post("seed", {"vendor": "zoho-books", "account": "demo", "size": count, "seed": 7})

    def create(self, entity: Entity) -> RecordId:
        n = next(self._numbers)
        contact = self.books.contact(f"Customer {n}", f"customer{n}@example.test")
        if entity == "customer":
            return RecordId(contact["contact_id"])
        if entity == "invoice":
            return RecordId(self.books.invoice(contact["contact_id"])["invoice_id"])
        return RecordId(self.books.payment(contact["contact_id"], 10 + n)["payment_id"])

    def edit(self, entity: Entity, record: RecordId) -> None:
        n = next(self._numbers)
        body = {"customer": {"company_name": f"Edit {n}"}, "invoice": {"adjustment": n}, "payment": {"reference_number": f"E{n}"}}  # fmt: skip
        self.books.told("PUT", f"/{_WHERE[entity][0]}/{record}", body[entity])

    def remove(self, entity: Entity, record: RecordId) -> None:
        if entity == "customer":
            self._free_of_documents(record)
        if entity == "invoice":
            self._remove_all("customerpayments", "payment", self.books.read("invoices", record)["customer_id"])
        self.books.told("DELETE", f"/{_WHERE[entity][0]}/{record}")

    def _free_of_documents(self, customer: RecordId) -> None:
        """A customer with documents cannot be deleted."""
        for kind, word in (("customerpayments", "payment"), ("invoices", "invoice")):
            self._remove_all(kind, word, customer)

    def _remove_all(self, kind: str, word: str, customer: str) -> None:
        for row in self.books.told("GET", f"/{kind}", customer_id=customer)[kind]:
            self.books.told("DELETE", f"/{kind}/{row[f'{word}_id']}")

    def lag(self, seconds: int) -> None:
        self.sandbox.post("limits", {"vendor": "zoho-books", "account": "demo", "list_lag_s": seconds})

    def everything(self, entity: Entity) -> tuple[RecordId, Mapping[str, Any]]:
        made: tuple[RecordId, dict[str, Any]] = getattr(self, f"_whole_{entity}")()
        record, expected = made
        found = self.books.read(_WHERE[entity][0], record)
        return record, expected | {
            ours: stamp(found[theirs])
            for ours, theirs in (("updated_at", "last_modified_time"), ("created_at", "created_time"))
            if ours in expected
        }

    def _whole_customer(self) -> tuple[RecordId, dict[str, Any]]:
        tag = self.books.told("GET", "/reportingtags")["reporting_tags"][0]["tag_id"]
        option = self.books.told("GET", f"/reportingtags/{tag}/options/all")["results"][0]
        person = {"first_name": "Ida", "last_name": "Alder", "email": "ida@alder.example", "phone": "+49 228 2", "mobile": "+49 170 3", "is_primary_contact": True}  # fmt: skip
        found = self.books.contact(
            "Alder Works", company_name="Alder GmbH", website="https://alder.example", customer_sub_type="business",
            contact_persons=[person], billing_address=ADDRESS, shipping_address=ADDRESS,
            custom_fields=[{"api_name": "cf_segment", "value": "Gold"}, {"api_name": "cf_account_manager", "value": "Kim"}],
            tags=[{"tag_id": tag, "tag_option_id": option["option_id"]}],
        )  # fmt: skip
        self.books.sent_invoice(found["contact_id"], {"name": "Work", "rate": 120.5})
        return RecordId(found["contact_id"]), {
            "name": "Alder Works", "company": "Alder GmbH", "email": "ida@alder.example", "first_name": "Ida", "last_name": "Alder",
            "phone": "+49 228 2", "mobile": "+49 170 3", "website": "https://alder.example", "kind": "business", "status": "active",
            "currency": "EUR", "outstanding": "120.50", "billing": NEUTRAL, "shipping": NEUTRAL,
            "custom.cf_segment": "Gold", "custom.cf_account_manager": "Kim",
            "tags": [option["option_name"]], "created_at": "", "updated_at": "",
        }  # fmt: skip

    def _whole_invoice(self) -> tuple[RecordId, dict[str, Any]]:
        contact = self.books.contact("Birch")
        found = self.books.invoice(
            contact["contact_id"], {"name": "Work", "rate": 100, "quantity": 2}, date="2026-05-04", due_date="2026-06-03",
            adjustment=-5, shipping_charge=12, custom_fields=[{"api_name": "cf_channel", "value": "Shop"}],
        )  # fmt: skip
        return RecordId(found["invoice_id"]), {
            "number": found["invoice_number"], "customer_id": contact["contact_id"], "status": "draft", "currency": "EUR",
            "exchange_rate": "1.0", "issued_on": "2026-05-04", "due_on": "2026-06-03", "subtotal": "200.00", "tax": "0.00", "shipping": "12.00",
            "adjustment": "-5.00", "total": "207.00", "balance": "207.00", "custom.cf_channel": "Shop", "updated_at": "",
        }  # fmt: skip

    def _whole_payment(self) -> tuple[RecordId, dict[str, Any]]:
        contact = self.books.contact("Cedar")
        body = {"customer_id": contact["contact_id"], "payment_mode": "cash", "amount": 40, "date": "2026-06-01", "reference_number": "R-1"}  # fmt: skip
        found = self.books.told("POST", "/customerpayments", body, 201)["payment"]
        return RecordId(found["payment_id"]), {
            "customer_id": contact["contact_id"], "amount": "40.00", "currency": "EUR", "paid_on": "2026-06-01", "method": "cash",
            "reference": "R-1", "updated_at": "",
        }  # fmt: skip

    def receipts(self) -> Sequence[Receipt]:
        bodies = [{_WHERE[e][1]: self.books.read(_WHERE[e][0], self.everything(Entity(e))[0])} for e in _WHERE]
        return [receipt(json.dumps(body).encode()) for body in bodies]


def receipt(body: bytes) -> Receipt:
    return Receipt(
        id=EventId("r"), connection=ConnectionId("c"), vendor=zoho_books.NAME, received_at=datetime.now(UTC), method="POST",
        path="/", query="event=edited", headers=(("content-type", "application/json"),), body=body, verified_by="signature",
    )  # fmt: skip


def stamp(text: str) -> str:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z").astimezone(UTC).isoformat().replace("+00:00", "Z")


@asynccontextmanager
async def opened(sandbox: SandboxProcess) -> AsyncIterator[BooksAccount]:
    """The product comes with a token of its own; nobody's minute is used up."""
    row = account_of(sandbox, "demo")
    sandbox.post("limits", {"vendor": "zoho-books", "account": "demo", "per_minute": 100_000})
    connection = connection_of(zoho_books.NAME, "books", dc=row["dc"], organization_id=row["organization_id"])
    token = Tokens().of(sandbox, row["dc"])
    books = Books(row["base_url"], row["organization_id"], row["operator_token"])
    try:
        async with door_to(zoho_books.VENDOR, connection, f"{sandbox.base_url}/zoho", token) as api:
            yield BooksAccount(connection, api, sandbox, books)
    finally:
        books.http.close()
