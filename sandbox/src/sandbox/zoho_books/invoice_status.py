"""What an invoice is today: the ledger's status, with overdue read off the calendar."""

from __future__ import annotations

from dataclasses import replace

from sandbox.zoho_books.documents import Invoice
from sandbox.zoho_books.organisation import Organisation


def shown_status(invoice: Invoice, today: str) -> str:
    """draft, sent, partially_paid, overdue, paid or void."""
    if invoice.status in ("sent", "partially_paid") and invoice.due_date < today:
        return "overdue"
    return invoice.status


def has_status(invoice: Invoice, wanted: str, today: str) -> bool:
    """Whether the invoice is in a list asked for by status; unpaid is everything that is still owed."""
    if wanted == "unpaid":
        return invoice.status in ("sent", "partially_paid")
    return shown_status(invoice, today) == wanted


def settled(invoice: Invoice) -> Invoice:
    """The invoice with the status its balance gives it."""
    if not invoice.in_ledger:
        return invoice
    if invoice.balance <= 0:
        return replace(invoice, status="paid")
    partly = invoice.paid + invoice.credited + invoice.withheld > 0
    return replace(invoice, status="partially_paid" if partly else "sent")


def overdue_customers(org: Organisation, now: int) -> frozenset[str]:
    today = org.today(now)
    return frozenset(one.customer_id for one in org.invoices if shown_status(one, today) == "overdue")
