"""Credit notes as the vendor shows them."""

from __future__ import annotations

from sandbox.zoho_books.contact_views import NOBODY, address_view
from sandbox.zoho_books.custom_fields import hashed, rows
from sandbox.zoho_books.documents import CreditNote
from sandbox.zoho_books.invoice_views import NOWHERE
from sandbox.zoho_books.lines import line_view
from sandbox.zoho_books.money import Terms
from sandbox.zoho_books.organisation import Organisation
from sandbox.zoho_books.wire import Document, number, plain


def terms_of(org: Organisation, note: CreditNote) -> Terms:
    precision = org.currencies[note.currency_id].precision
    return Terms(precision, inclusive_tax=note.inclusive_tax, tax_rounding=org.tax_rounding)


def credit_note_row(org: Organisation, note: CreditNote) -> Document:
    """One row of the list."""
    return {
        "creditnote_id": note.id,
        "creditnote_number": note.number,
        "status": note.status,
        "reference_number": note.reference_number,
        "date": note.date,
        "total": number(note.total),
        "balance": number(note.balance),
        "customer_id": note.customer_id,
        "customer_name": org.customer_name(note.customer_id),
        "currency_id": note.currency_id,
        "currency_code": org.currencies[note.currency_id].code,
        "exchange_rate": plain(note.exchange_rate),
        "is_emailed": False,
        "has_attachment": False,
        "created_time": org.stamp(note.created),
        "last_modified_time": org.stamp(note.modified),
    }


def credit_note_detail(org: Organisation, note: CreditNote) -> Document:
    """The whole credit note."""
    customer, fields = org.contacts.get(note.customer_id), org.fields_of("creditnote")
    terms = terms_of(org, note)
    return credit_note_row(org, note) | {
        "email": ((customer.primary if customer else None) or NOBODY).email,
        "currency_symbol": org.currencies[note.currency_id].symbol,
        "price_precision": terms.precision,
        "is_inclusive_tax": note.inclusive_tax,
        "sub_total": number(note.sub_total),
        "tax_total": number(note.tax_total),
        "line_items": [line_view(org, line, order, terms, note.exchange_rate) for order, line in enumerate(note.lines)],
        "invoices": [_applied(org, part.invoice_id, number(part.amount)) for part in note.allocations],
        "taxes": [{"tax_id": one.tax_id, "tax_name": one.name, "tax_amount": number(one.amount)} for one in note.taxes],
        "billing_address": address_view(customer.billing if customer else NOWHERE),
        "shipping_address": address_view(customer.shipping if customer else NOWHERE),
        "custom_fields": rows(fields, note.custom),
        "custom_field_hash": hashed(fields, note.custom, lists=False),
        "tags": [],
        "notes": note.notes,
        "terms": note.terms,
        "updated_time": org.stamp(note.modified),
    }


def _applied(org: Organisation, invoice_id: str, amount: object) -> Document:
    invoice = org.invoices.get(invoice_id)
    return {"invoice_id": invoice_id, "invoice_number": invoice.number if invoice else "", "amount": amount}
