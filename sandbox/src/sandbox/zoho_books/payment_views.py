"""Customer payments as the vendor shows them."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.zoho_books.contact_views import NOBODY
from sandbox.zoho_books.custom_fields import hashed, rows
from sandbox.zoho_books.documents import Allocation, Invoice, Payment, Refund
from sandbox.zoho_books.money import rounded
from sandbox.zoho_books.organisation import Organisation
from sandbox.zoho_books.wire import Document, number, plain


def _paid(org: Organisation, payment: Payment) -> Iterator[tuple[Allocation, Invoice]]:
    for part in payment.allocations:
        invoice = org.invoices.get(part.invoice_id)
        if invoice is not None:
            yield part, invoice


def _numbers(org: Organisation, payment: Payment) -> str:
    return ", ".join(invoice.number for _, invoice in _paid(org, payment))


def payment_row(org: Organisation, payment: Payment) -> Document:
    """One row of the list."""
    currency, fields = org.currencies[payment.currency_id], org.fields_of("payment")
    in_base = rounded(payment.amount * payment.exchange_rate, org.base.precision)
    return {
        "payment_id": payment.id,
        "payment_number": payment.number,
        "payment_type": "Invoice Payment",
        "invoice_numbers": _numbers(org, payment),
        "invoice_number": _numbers(org, payment),
        "date": payment.date,
        "payment_mode": payment.mode,
        "amount": number(payment.amount),
        "bcy_amount": number(in_base),
        "unused_amount": number(rounded(payment.unused, currency.precision)),
        "reference_number": payment.reference_number,
        "description": payment.description,
        "customer_id": payment.customer_id,
        "customer_name": org.customer_name(payment.customer_id),
        "currency_code": currency.code,
        "account_id": payment.account_id,
        "exchange_rate": plain(payment.exchange_rate),
        "created_time": org.stamp(payment.created),
        "last_modified_time": org.stamp(payment.modified),
        "custom_fields": [],
        "custom_field_hash": hashed(fields, payment.custom, lists=True) if payment.custom else {},
        "tags": [],
    }


def payment_detail(org: Organisation, payment: Payment) -> Document:
    """The whole payment."""
    currency, fields = org.currencies[payment.currency_id], org.fields_of("payment")
    customer = org.contacts.get(payment.customer_id)
    first = next((invoice for _, invoice in _paid(org, payment)), None)
    digits = currency.precision
    return {
        "payment_id": payment.id,
        "payment_number": payment.number,
        "payment_mode": payment.mode,
        "date": payment.date,
        "status": "success",
        "amount": number(payment.amount),
        "amount_refunded": number(rounded(payment.refunded, digits)),
        "unused_amount": number(rounded(payment.unused, digits)),
        "bank_charges": number(rounded(payment.bank_charges, digits)),
        "reference_number": payment.reference_number,
        "description": payment.description,
        "customer_id": payment.customer_id,
        "customer_name": customer.name if customer else "",
        "email": ((customer.primary if customer else None) or NOBODY).email,
        "account_id": payment.account_id,
        "invoice_id": first.id if first else "",
        "invoice_number": first.number if first else "",
        "invoices": [_invoice_part(org, part, invoice) for part, invoice in _paid(org, payment)],
        "currency_id": payment.currency_id,
        "currency_code": currency.code,
        "currency_symbol": currency.symbol,
        "exchange_rate": plain(payment.exchange_rate),
        "custom_fields": rows(fields, payment.custom),
        "custom_field_hash": hashed(fields, payment.custom, lists=False),
        "tags": [],
        "created_time": org.stamp(payment.created),
        "last_modified_time": org.stamp(payment.modified),
    }


def _invoice_part(org: Organisation, part: Allocation, invoice: Invoice) -> Document:
    digits = org.currencies[invoice.currency_id].precision
    return {
        "invoice_payment_id": part.id,
        "invoice_id": invoice.id,
        "invoice_number": invoice.number,
        "date": invoice.date,
        "invoice_amount": number(invoice.total),
        "amount_applied": number(part.amount),
        "balance_amount": number(invoice.balance),
        "tax_amount_withheld": number(rounded(part.withheld, digits)),
    }


def invoice_payment_view(payment: Payment, part: Allocation) -> Document:
    """A payment as a row of its invoice."""
    return {
        "payment_id": payment.id,
        "payment_number": int(payment.number),
        "invoice_id": part.invoice_id,
        "invoice_payment_id": part.id,
        "payment_mode": payment.mode,
        "description": payment.description,
        "date": payment.date,
        "reference_number": payment.reference_number,
        "exchange_rate": plain(payment.exchange_rate),
        "amount": number(part.amount),
        "tax_amount_withheld": number(part.withheld),
        "online_transaction_id": "",
        "is_single_invoice_payment": len(payment.allocations) == 1,
    }


def refund_view(org: Organisation, payment: Payment, refund: Refund) -> Document:
    in_base = rounded(refund.amount * payment.exchange_rate, org.base.precision)
    return {
        "payment_refund_id": refund.id,
        "payment_id": payment.id,
        "date": refund.date,
        "refund_mode": refund.mode,
        "reference_number": refund.reference_number,
        "payment_number": payment.number,
        "customer_name": org.customer_name(payment.customer_id),
        "description": refund.description,
        "amount": number(refund.amount),
        "amount_bcy": number(in_base),
        "amount_fcy": number(refund.amount),
        "exchange_rate": plain(payment.exchange_rate),
    }
