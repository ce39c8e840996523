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
from sandbox.zoho_books.papers import PAPERS
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
# What the API only shows: people write it.
_PAPERS = {"bill": "bills", "purchase_order": "purchaseorders", "supplier_payment": "vendorpayments", "expense": "expenses",
           "journal": "journals", "account": "chartofaccounts"}  # fmt: skip
_LINE = {"sku": "T-1", "name": "Timber", "quantity": "2", "rate": "50", "item_total": "100.00"}
_SUPPLIER = {"vendor_id": "77", "vendor_name": "Sawmill"}
_WRITTEN: Mapping[str, Mapping[str, Any]] = {
    "bill": _SUPPLIER | {"bill_number": "B-1", "status": "open", "reference_number": "R-7", "date": "2026-05-04", "due_date": "2026-06-03", "exchange_rate": "1", "sub_total": "100.00", "tax_total": "19.00", "total": "119.00", "balance": "119.00", "line_items": [_LINE]},
    "purchase_order": _SUPPLIER | {"purchaseorder_number": "PO-1", "status": "open", "reference_number": "R-7", "date": "2026-05-04", "delivery_date": "2026-06-03", "exchange_rate": "1", "sub_total": "100.00", "tax_total": "19.00", "total": "119.00", "line_items": [_LINE]},
    "supplier_payment": _SUPPLIER | {"payment_number": "5", "amount": "40.00", "balance": "0.00", "exchange_rate": "1", "date": "2026-05-04", "paid_through_account_name": "Petty Cash", "payment_mode": "cash", "reference_number": "R-7", "description": "by hand", "bills": [{"bill_id": "9", "amount_applied": "40.00"}]},
    "expense": {"account_name": "Travel", "paid_through_account_name": "Petty Cash", "customer_id": "7", "customer_name": "Birch", "status": "unbilled", "exchange_rate": "1", "reference_number": "R-7", "description": "Train", "date": "2026-05-04", "sub_total": "100.00", "total": "119.00", "is_billable": True},
    "journal": {"entry_number": "12", "reference_number": "R-7", "notes": "Loan", "status": "published", "exchange_rate": "1", "journal_date": "2026-05-04", "total": "100.00", "line_items": [{"account_name": "Petty Cash", "debit_or_credit": "debit", "amount": "100.00", "description": "cash"}]},
    "account": {"account_name": "Loans", "account_code": "900", "account_type": "equity", "is_active": True, "parent_account_id": "3", "description": "of the owner"},
}  # fmt: skip
_DATES = {"issued_on": "2026-05-04", "due_on": "2026-06-03"}
_DOCUMENT = _DATES | {"supplier_id": "77", "supplier": "Sawmill", "status": "open", "currency": "EUR", "exchange_rate": "1.0", "reference": "R-7", "subtotal": "100.00", "tax": "19.00", "total": "119.00", "created_at": "", "updated_at": ""}  # fmt: skip
_TOLD: Mapping[str, Mapping[str, Any]] = {
    "bill": _DOCUMENT | {"number": "B-1", "balance": "119.00"},
    "purchase_order": _DOCUMENT | {"number": "PO-1"},
    "supplier_payment": {"number": "5", "supplier_id": "77", "supplier": "Sawmill", "amount": "40.00", "unused": "0.00", "exchange_rate": "1.0", "paid_on": "2026-05-04", "paid_through": "Petty Cash", "method": "cash", "reference": "R-7", "description": "by hand", "created_at": "", "updated_at": ""},
    "expense": {"account": "Travel", "paid_through": "Petty Cash", "customer_id": "7", "customer": "Birch", "status": "unbilled", "currency": "EUR", "exchange_rate": "1.0", "reference": "R-7", "description": "Train", "spent_on": "2026-05-04", "subtotal": "100.00", "total": "119.00", "billable": True, "updated_at": ""},
    "journal": {"number": "12", "reference": "R-7", "notes": "Loan", "status": "published", "currency": "EUR", "exchange_rate": "1.0", "booked_on": "2026-05-04", "total": "100.00", "created_at": "", "updated_at": ""},
    "account": {"name": "Loans", "code": "900", "kind": "equity", "active": True, "parent_id": "3", "currency": "EUR", "description": "of the owner", "created_at": "", "updated_at": ""},
}  # fmt: skip
_OTHERS = {"supplier": "contacts", "item": "items", "credit_note": "creditnotes"}
_EDITED = {"bill": "reference_number", "purchase_order": "reference_number", "supplier_payment": "reference_number", "expense": "description", "journal": "notes", "account": "account_name"}  # fmt: skip
# All that the organisation has added to its contacts.
CUSTOM = {"cf_segment": "Gold", "cf_account_manager": "Kim", "cf_termination": "2026-09-30", "cf_external_id": "A-17"}
ADDRESS = {"attention": "Ida", "address": "Hauptstr. 1", "street2": "Hof", "city": "Bonn", "state": "NW", "zip": "53111", "country": "Germany", "phone": "+49 228 1"}  # fmt: skip
NEUTRAL = {("street" if name == "address" else name): value for name, value in ADDRESS.items()}


@dataclass
class BooksAccount(InSandbox):
    """Worked on as the organisation's operator, and by its people where the API only shows."""

    books: Books
    place: str = ""
    _numbers: Any = field(default_factory=lambda: itertools.count(1))
    _added: set[str] = field(default_factory=set)
    """Custom fields that the organisation did not have from the start."""

    def people(self, do: str, **more: Any) -> dict[str, Any]:
        """What somebody does in the web application."""
        return dict(self.sandbox.post("zoho-books/demo/people", {"do": do, **more}))

    def write(self, entity: str, *records: Mapping[str, Any]) -> list[RecordId]:
        ids = self.people("write_papers", kind=_PAPERS[entity], records=[dict(one) for one in records])["ids"]
        return [RecordId(one) for one in ids]

    def fill(self, entity: Entity, count: int) -> None:
        if entity in _PAPERS:
            # Not all within one second: what has the cursor's own stamp is listed again.
            self.write(entity, *[_WRITTEN[entity] for _ in range(count - 1)])
            self.advance(2.0)
            self.write(entity, _WRITTEN[entity])
            return
        self.sandbox.post("seed", {"vendor": "zoho-books", "account": "demo", "size": count, "seed": 7})

    def create(self, entity: Entity) -> RecordId:
        n = next(self._numbers)
        if entity in _PAPERS:
            return self.write(entity, _WRITTEN[entity])[0]
        if entity == "supplier":
            return RecordId(
                self.books.contact(f"Supplier {n}", f"s{n}@example.test", contact_type="vendor")["contact_id"]
            )
        if entity == "item":
            return RecordId(self.books.told("POST", "/items", {"name": f"Item {n}", "rate": 5}, 201)["item"]["item_id"])
        contact = self.books.contact(f"Customer {n}", f"customer{n}@example.test")
        if entity == "person":
            return RecordId(f"{contact['contact_id']}-{contact['contact_persons'][0]['contact_person_id']}")
        if entity == "customer":
            return RecordId(contact["contact_id"])
        if entity == "invoice":
            return RecordId(self.books.invoice(contact["contact_id"])["invoice_id"])
        return RecordId(self.books.payment(contact["contact_id"], 10 + n)["payment_id"])

    def edit(self, entity: Entity, record: RecordId) -> None:
        n = next(self._numbers)
        if entity in _PAPERS:
            self.write(entity, {PAPERS[_PAPERS[entity]].id_name: record, _EDITED[entity]: f"Edit {n}"})
            return
        if entity in ("item", "credit_note"):
            key = {"item": "items", "credit_note": "creditnotes"}[entity]
            self.books.told("PUT", f"/{key}/{record}", {"description": f"Edit {n}", "reference_number": f"E{n}"})
            return
        if entity == "supplier":
            self.books.told("PUT", f"/contacts/{record}", {"company_name": f"Edit {n}"})
            return
        if entity == "person":
            self.books.told("PUT", f"/contacts/contactpersons/{record.partition('-')[2]}", {"department": f"Edit {n}"})
            return
        body = {"customer": {"company_name": f"Edit {n}"}, "invoice": {"adjustment": n}, "payment": {"reference_number": f"E{n}"}}  # fmt: skip
        self.books.told("PUT", f"/{_WHERE[entity][0]}/{record}", body[entity])

    def remove(self, entity: Entity, record: RecordId) -> None:
        if entity in _PAPERS:
            self.people("delete_paper", kind=_PAPERS[entity], id=record)
            return
        if entity == "person":
            self.books.told("DELETE", f"/contacts/contactpersons/{record.partition('-')[2]}")
            return
        if entity in _OTHERS:
            self.books.told("DELETE", f"/{_OTHERS[entity]}/{record}")
            return
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
        if entity in _PAPERS:
            return self._whole_paper(entity)
        made: tuple[RecordId, dict[str, Any]] = getattr(self, f"_whole_{entity}")()
        record, expected = made
        if entity == "person":
            return made
        found = self.books.read(_WHERE[entity][0], record)
        return record, expected | {
            ours: stamp(found[theirs])
            for ours, theirs in (("updated_at", "last_modified_time"), ("created_at", "created_time"))
            if ours in expected
        }

    def _whole_paper(self, entity: str) -> tuple[RecordId, Mapping[str, Any]]:
        kind = PAPERS[_PAPERS[entity]]
        custom = f"cf_{entity}_ward"
        if custom not in self._added:
            self._added.add(custom)
            self.people("add_custom_field", module=kind.module, label="Ward", api_name=custom)
        (record,) = self.write(entity, _WRITTEN[entity] | {"custom": {custom: "North"}})
        body = self.books.told("GET", f"/{_PAPERS[entity]}/{record}")
        found = body if kind.bare else body[kind.word]
        times = {"created_at": stamp(found["created_time"]), "updated_at": stamp(found["last_modified_time"])}
        told = _TOLD[entity] | {f"custom.{custom}": "North"}
        return record, {path: times.get(path, value) for path, value in told.items()}

    def _whole_customer(self) -> tuple[RecordId, dict[str, Any]]:
        tag = self.books.told("GET", "/reportingtags")["reporting_tags"][0]["tag_id"]
        option = self.books.told("GET", f"/reportingtags/{tag}/options/all")["results"][0]
        person = {"first_name": "Ida", "last_name": "Alder", "email": "ida@alder.example", "phone": "+49 228 2", "mobile": "+49 170 3", "is_primary_contact": True}  # fmt: skip
        found = self.books.contact(
            "Alder Works", company_name="Alder GmbH", website="https://alder.example", customer_sub_type="business",
            contact_persons=[person], billing_address=ADDRESS, shipping_address=ADDRESS,
            custom_fields=[{"api_name": name, "value": value} for name, value in CUSTOM.items()],
            tags=[{"tag_id": tag, "tag_option_id": option["option_id"]}],
        )  # fmt: skip
        self.books.sent_invoice(found["contact_id"], {"name": "Work", "rate": 120.5})
        id, told = found["contact_id"], found["contact_persons"][0]
        self.people("link_with_crm", contact_id=id, zcrm_account_id="55510", zcrm_contact_id="55520")
        same = {name: person[name] for name in ("first_name", "last_name", "email", "phone", "mobile")}
        none = dict.fromkeys(("salutation", "title", "department"))
        persons = [
            {
                "id": f"{id}-{told['contact_person_id']}",
                **same,
                **none,
                "is_primary": True,
            }
        ]
        return RecordId(found["contact_id"]), {
            "name": "Alder Works", "company": "Alder GmbH", "email": "ida@alder.example", "first_name": "Ida", "last_name": "Alder",
            "phone": "+49 228 2", "mobile": "+49 170 3", "website": "https://alder.example", "kind": "business", "status": "active",
            "currency": "EUR", "outstanding": "120.50", "billing": NEUTRAL, "shipping": NEUTRAL,
            **{f"custom.{name}": value for name, value in CUSTOM.items()},
            "tags": [option["option_name"]], "created_at": "", "updated_at": "",
            "id": id, "persons": persons, "kept_by_own_sync": True, "crm_account_id": "55510", "crm_contact_id": "55520",
        }  # fmt: skip

    def _whole_person(self) -> tuple[RecordId, dict[str, Any]]:
        told = {
            "salutation": "Mr",
            "first_name": "Bo",
            "last_name": "Finch",
            "email": "bo@alder.example",
            "phone": "1",
            "mobile": "2",
        }
        contact = self.books.contact("Alder", "ida@alder.example", company_name="Alder GmbH")["contact_id"]
        body = {"contact_id": contact, **told, "designation": "Clerk", "department": "Sales"}
        (found,) = self.books.told("POST", "/contacts/contactpersons", body, 201)["contact_person"]
        return RecordId(f"{contact}-{found['contact_person_id']}"), {
            "id": f"{contact}-{found['contact_person_id']}", "customer_id": contact, "company": "Alder GmbH", **told, "title": "Clerk", "department": "Sales",
            "is_primary": False, "updated_at": stamp(self.books.read("contacts", contact)["last_modified_time"]),
        }  # fmt: skip

    def _whole_invoice(self) -> tuple[RecordId, dict[str, Any]]:
        contact = self.books.contact("Birch")
        found = self.books.invoice(
            contact["contact_id"], {"name": "Work", "rate": 100, "quantity": 2}, date="2026-05-04", due_date="2026-06-03",
            adjustment=-5, shipping_charge=12,
            custom_fields=[{"api_name": "cf_channel", "value": "Shop"}, {"api_name": "cf_shopify_order_id", "value": "S-1"}],
        )  # fmt: skip
        return RecordId(found["invoice_id"]), {
            "id": found["invoice_id"], "number": found["invoice_number"], "customer_id": contact["contact_id"], "status": "draft", "currency": "EUR",
            "exchange_rate": "1.0", "issued_on": "2026-05-04", "due_on": "2026-06-03", "subtotal": "200.00", "tax": "0.00", "shipping": "12.00",
            "adjustment": "-5.00", "total": "207.00", "balance": "207.00", "custom.cf_channel": "Shop", "custom.cf_shopify_order_id": "S-1",
            "updated_at": "",
        }  # fmt: skip

    def _whole_payment(self) -> tuple[RecordId, dict[str, Any]]:
        contact = self.books.contact("Cedar")
        body = {"customer_id": contact["contact_id"], "payment_mode": "cash", "amount": 40, "date": "2026-06-01", "reference_number": "R-1", "custom_fields": [{"api_name": "cf_external_id", "value": "P-1"}]}  # fmt: skip
        found = self.books.told("POST", "/customerpayments", body, 201)["payment"]
        return RecordId(found["payment_id"]), {
            "customer_id": contact["contact_id"], "amount": "40.00", "currency": "EUR", "paid_on": "2026-06-01", "method": "cash",
            "reference": "R-1", "custom.cf_external_id": "P-1", "updated_at": "",
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
