"""The shelves of an organisation: by which columns each kind of record is sorted and found."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sandbox.zoho_books.catalogue import Item
from sandbox.zoho_books.documents import CreditNote, Invoice, Payment
from sandbox.zoho_books.papers import AMOUNTS, PAPERS, Paper
from sandbox.zoho_books.records import Contact
from sandbox.zoho_books.shelf import Key, Shelf

NameOf = Callable[[str], str]


def folded(text: str) -> str:
    return text.strip().casefold()


def _custom_keys(record: Contact | Invoice | Item | Payment | CreditNote) -> list[str]:
    return [f"{name}={value}" for name, value in record.custom.items()]


def contact_shelf() -> Shelf[Contact]:
    return Shelf(
        {
            "contact_name": lambda contact: contact.name.casefold(),
            "company_name": lambda contact: contact.company_name.casefold(),
            "first_name": lambda contact: contact.primary.first_name.casefold() if contact.primary else "",
            "last_name": lambda contact: contact.primary.last_name.casefold() if contact.primary else "",
            "email": lambda contact: contact.primary.email.casefold() if contact.primary else "",
            "outstanding_receivable_amount": lambda contact: float(contact.receivable),
            "created_time": lambda contact: contact.created,
            "last_modified_time": lambda contact: contact.modified,
        },
        {
            "contact_name": lambda contact: (folded(contact.name),),
            "email": lambda contact: (folded(contact.primary.email),) if contact.primary else (),
            "person_id": lambda contact: [person.id for person in contact.persons],
            "custom": _custom_keys,
        },
    )


def invoice_shelf(customer_name: NameOf) -> Shelf[Invoice]:
    return Shelf(
        {
            "customer_name": lambda invoice: customer_name(invoice.customer_id).casefold(),
            "invoice_number": lambda invoice: invoice.number,
            "date": lambda invoice: invoice.date,
            "due_date": lambda invoice: invoice.due_date,
            "total": lambda invoice: float(invoice.total),
            "balance": lambda invoice: float(invoice.balance),
            "created_time": lambda invoice: invoice.created,
            "last_modified_time": lambda invoice: invoice.modified,
        },
        {
            "invoice_number": lambda invoice: (folded(invoice.number),),
            "reference_number": lambda invoice: (folded(invoice.reference_number),),
            "customer_id": lambda invoice: (invoice.customer_id,),
            "custom": _custom_keys,
        },
    )


def payment_shelf(customer_name: NameOf) -> Shelf[Payment]:
    return Shelf(
        {
            "customer_name": lambda payment: customer_name(payment.customer_id).casefold(),
            "date": lambda payment: payment.date,
            "payment_number": lambda payment: payment.number.zfill(12),
            "amount": lambda payment: float(payment.amount),
            "created_time": lambda payment: payment.created,
            "last_modified_time": lambda payment: payment.modified,
        },
        {
            "reference_number": lambda payment: (folded(payment.reference_number),),
            "customer_id": lambda payment: (payment.customer_id,),
            "invoice_id": lambda payment: {part.invoice_id for part in payment.allocations},
            "custom": _custom_keys,
        },
    )


def item_shelf(tax_name: NameOf) -> Shelf[Item]:
    return Shelf(
        {
            "name": lambda item: item.name.casefold(),
            "rate": lambda item: float(item.rate),
            "tax_name": lambda item: tax_name(item.tax_id).casefold(),
            "created_time": lambda item: item.created,
            "last_modified_time": lambda item: item.modified,
        },
        {"name": lambda item: (folded(item.name),), "custom": _custom_keys},
    )


def credit_note_shelf(customer_name: NameOf) -> Shelf[CreditNote]:
    return Shelf(
        {
            "customer_name": lambda note: customer_name(note.customer_id).casefold(),
            "creditnote_number": lambda note: note.number,
            "date": lambda note: note.date,
            "total": lambda note: float(note.total),
            "balance": lambda note: float(note.balance),
            "created_time": lambda note: note.created,
            "last_modified_time": lambda note: note.modified,
        },
        {
            "creditnote_number": lambda note: (folded(note.number),),
            "customer_id": lambda note: (note.customer_id,),
            "invoice_id": lambda note: {part.invoice_id for part in note.allocations},
            "custom": _custom_keys,
        },
    )


def paper_shelves() -> dict[str, Shelf[Paper]]:
    return {
        key: Shelf({column: partial(_paper_key, column) for column in kind.sorts}, {}) for key, kind in PAPERS.items()
    }


def _paper_key(column: str, paper: Paper) -> Key:
    if column in ("created_time", "last_modified_time"):
        return paper.created if column == "created_time" else paper.modified
    found = str(paper.columns.get(column, ""))
    if column in AMOUNTS:
        return float(found or 0)
    return found.zfill(12) if found.isdigit() else found.casefold()
