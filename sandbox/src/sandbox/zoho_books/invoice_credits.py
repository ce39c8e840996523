"""Credits from an invoice's side: which were applied, and applying more."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from sandbox.zoho_books.allocations import apply
from sandbox.zoho_books.call import Call, Reply, done
from sandbox.zoho_books.credit_note_views import credit_note_detail
from sandbox.zoho_books.documents import Allocation, CreditNote, Invoice, Payment
from sandbox.zoho_books.invoices import found
from sandbox.zoho_books.money import rounded
from sandbox.zoho_books.payment_views import payment_detail
from sandbox.zoho_books.refusals import Refusal, invalid, missing
from sandbox.zoho_books.wire import Body, number


def list_credits(call: Call) -> Reply:
    invoice = found(call)
    rows = [
        {
            "creditnote_id": note.id,
            "creditnotes_invoice_id": part.id,
            "creditnotes_number": note.number,
            "credited_date": part.date,
            "amount_applied": number(part.amount),
        }
        for note in call.org.credit_notes.look_up("invoice_id", invoice.id)
        for part in note.allocations
        if part.invoice_id == invoice.id
    ]
    return done("success", credits=rows)


def apply_credits(call: Call) -> Reply:
    """`POST /invoices/{id}/credits`: unused payments and open credit notes against this invoice."""
    invoice, body = found(call), call.body()
    payments = [(_payment(call, row, invoice), row) for row in body.rows("invoice_payments", 200)]
    notes = [(_note(call, row, invoice), row) for row in body.rows("apply_creditnotes", 200)]
    if not payments and not notes:
        raise missing("apply_creditnotes")
    if not invoice.in_ledger:
        raise invalid("status")
    wanted = sum((_amount(call, row, invoice) for _, row in [*payments, *notes]), Decimal(0))
    if wanted > invoice.balance:
        raise Refusal(400, 24016, "The amount entered is more than the balance due for the selected invoices.")
    for payment, row in payments:
        _use_payment(call, payment, _part(call, row, invoice))
    for note, row in notes:
        _use_note(call, note, _part(call, row, invoice))
    return done("Credits have been applied to the invoice(s).")


def _payment(call: Call, row: Body, invoice: Invoice) -> Payment:
    payment = call.org.payments.get(row.required("payment_id"))
    if payment is None or payment.customer_id != invoice.customer_id or payment.currency_id != invoice.currency_id:
        raise invalid("payment_id")
    if _amount(call, row, invoice) > payment.unused:
        raise invalid("amount_applied")
    return payment


def _note(call: Call, row: Body, invoice: Invoice) -> CreditNote:
    note = call.org.credit_notes.get(row.required("creditnote_id"))
    if note is None or note.customer_id != invoice.customer_id or note.currency_id != invoice.currency_id:
        raise invalid("creditnote_id")
    if note.status != "open" or _amount(call, row, invoice) > note.balance:
        raise invalid("amount_applied")
    return note


def _amount(call: Call, row: Body, invoice: Invoice) -> Decimal:
    amount = rounded(row.amount("amount_applied"), call.org.currencies[invoice.currency_id].precision)
    if amount <= 0:
        raise invalid("amount_applied")
    return amount


def _part(call: Call, row: Body, invoice: Invoice) -> Allocation:
    return Allocation(call.org.new_id(), invoice.id, _amount(call, row, invoice), call.org.today(call.now))


def _use_payment(call: Call, payment: Payment, part: Allocation) -> None:
    payment = call.org.payments.get(payment.id) or payment
    after = replace(payment, allocations=(*payment.allocations, part), modified=call.now)
    if after.unused < 0:
        raise invalid("amount_applied")
    apply(call, "paid", (), [part])
    call.org.put_payment(after, call.now)
    call.changed("payment", after.id, "update", {"payment": payment_detail(call.org, after)})


def _use_note(call: Call, note: CreditNote, part: Allocation) -> None:
    note = call.org.credit_notes.get(note.id) or note
    after = replace(note, allocations=(*note.allocations, part), modified=call.now)
    if after.balance < 0:
        raise invalid("amount_applied")
    after = replace(after, status="closed" if after.balance <= 0 else "open")
    apply(call, "credited", (), [part])
    call.org.put_credit_note(after, call.now)
    call.changed("creditnote", after.id, "update", {"creditnote": credit_note_detail(call.org, after)})
