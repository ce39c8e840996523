"""How payments and credit notes settle invoices, and how that is undone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Literal

from sandbox.zoho_books.call import Call, changed_fields
from sandbox.zoho_books.documents import Allocation, Invoice
from sandbox.zoho_books.invoice_status import settled
from sandbox.zoho_books.invoice_views import invoice_detail
from sandbox.zoho_books.money import ZERO, rounded
from sandbox.zoho_books.refusals import Refusal, invalid, missing
from sandbox.zoho_books.wire import Body

Kind = Literal["paid", "credited"]
MOST = 200


def read_allocations(
    call: Call, body: Body, customer_id: str, date: str, before: Iterable[Allocation] = ()
) -> tuple[Allocation, ...]:
    """The `invoices` of a request, checked against the ledger as it would be without `before`."""
    old = {part.invoice_id: part for part in before}
    found: dict[str, Allocation] = {}
    for row in body.rows("invoices", MOST):
        invoice = _payable(call, row, customer_id)
        had = old.get(invoice.id)
        part = _part(call, row, invoice, date, had.id if had else "")
        if part.amount + part.withheld > invoice.balance + (had.amount + had.withheld if had else ZERO):
            words = "The amount entered is more than the balance due for the selected invoices."
            raise Refusal(400, 24016, words)
        if invoice.id in found:
            raise invalid("invoice_id")
        found[invoice.id] = part
    return tuple(part for part in found.values() if part.amount or part.withheld)


def _payable(call: Call, row: Body, customer_id: str) -> Invoice:
    invoice = call.org.invoices.get(row.required("invoice_id"))
    if invoice is None or invoice.customer_id != customer_id or invoice.status == "void":
        raise invalid("invoice_id")
    if invoice.status == "draft" and not call.switches.payments_open_drafts:
        raise invalid("invoice_id")
    return invoice


def _part(call: Call, row: Body, invoice: Invoice, date: str, own_id: str) -> Allocation:
    if not row.text("amount_applied"):
        raise missing("amount_applied")
    digits = call.org.currencies[invoice.currency_id].precision
    amount = rounded(row.amount("amount_applied"), digits)
    withheld = rounded(row.amount("tax_amount_withheld"), digits)
    if amount < 0 or withheld < 0:
        raise invalid("amount_applied")
    return Allocation(own_id or call.org.new_id(), invoice.id, amount, date, withheld)


def apply(call: Call, kind: Kind, before: Iterable[Allocation], after: Iterable[Allocation]) -> None:
    """Bring the invoices from one set of allocations to another; each changed invoice is an edit."""
    org, deltas = call.org, _deltas(before, after)
    dates = {part.invoice_id: part.date for part in after}
    for invoice_id, (amount, withheld) in deltas.items():
        old = org.invoices.get(invoice_id)
        if old is None or not (amount or withheld):
            continue
        new = with_settlement(old, kind, amount, withheld)
        if kind == "paid" and invoice_id in dates:
            new = replace(new, last_payment_date=dates[invoice_id])
        new = replace(settled(new), modified=call.now)
        org.put_invoice(new, call.now)
        document = {"invoice": invoice_detail(org, new, org.today(call.now))}
        call.rippled("invoice", new.id, document, changed_fields(old, new))


def with_settlement(invoice: Invoice, kind: Kind, amount: Decimal, withheld: Decimal) -> Invoice:
    """More (or less) of the invoice settled; a draft that is paid joins the ledger."""
    status = "sent" if invoice.status == "draft" else invoice.status
    if kind == "paid":
        return replace(invoice, status=status, paid=invoice.paid + amount, withheld=invoice.withheld + withheld)
    return replace(invoice, status=status, credited=invoice.credited + amount)


def _deltas(before: Iterable[Allocation], after: Iterable[Allocation]) -> dict[str, tuple[Decimal, Decimal]]:
    deltas: dict[str, tuple[Decimal, Decimal]] = {}
    for parts, sign in ((before, -1), (after, 1)):
        for part in parts:
            amount, withheld = deltas.get(part.invoice_id, (ZERO, ZERO))
            deltas[part.invoice_id] = (amount + sign * part.amount, withheld + sign * part.withheld)
    return deltas
