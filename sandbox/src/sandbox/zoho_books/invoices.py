"""Invoices: read, create, update, upsert, delete, and the ways from draft to void."""

from __future__ import annotations

from dataclasses import replace

from sandbox.zoho_books.call import Call, Reply, changed_fields, created, done
from sandbox.zoho_books.documents import Invoice
from sandbox.zoho_books.invoice_filling import blank, filled
from sandbox.zoho_books.invoice_status import settled
from sandbox.zoho_books.invoice_views import invoice_detail
from sandbox.zoho_books.money import ZERO
from sandbox.zoho_books.refusals import Refusal, absent, invalid, missing
from sandbox.zoho_books.unique import upserted
from sandbox.zoho_books.wire import Body, Document


def found(call: Call) -> Invoice:
    invoice = call.org.invoices.get(call.ids["invoice_id"])
    if invoice is None:
        raise absent("Invoice")
    return invoice


def detail(call: Call, invoice: Invoice) -> Document:
    return invoice_detail(call.org, invoice, call.org.today(call.now))


def get_invoice(call: Call) -> Reply:
    return done("success", invoice=detail(call, found(call)))


def create_invoice(call: Call) -> Reply:
    return create(call, call.body())


def create(call: Call, body: Body) -> Reply:
    org = call.org
    invoice = _mailed(call, filled(call, body, blank(call, body)))
    org.put_invoice(invoice, call.now)
    shown = detail(call, invoice)
    call.changed("invoice", invoice.id, "create", {"invoice": shown})
    return created("The invoice has been created.", invoice=shown)


def _mailed(call: Call, invoice: Invoice) -> Invoice:
    """`send=true` mails the customer: nothing leaves the sandbox, and the invoice tells that it would have."""
    if call.param("send") != "true":
        return invoice
    return settled(replace(invoice, emailed=True, status="sent" if invoice.status == "draft" else invoice.status))


def update_invoice(call: Call) -> Reply:
    return update(call, call.body(), found(call))


def update(call: Call, body: Body, before: Invoice) -> Reply:
    """What the body does not mention stays; `line_items`, if mentioned, are the whole new list (trap 5)."""
    if before.status == "void":
        raise invalid("status")
    if call.switches.edits_want_reason and before.in_ledger and not body.text("reason").strip():
        raise missing("reason")
    after = replace(_mailed(call, filled(call, body, before)), modified=call.now)
    if after.balance < 0:
        raise invalid("total")
    return save(call, before, settled(after), "Invoice information has been updated.", with_detail=True)


def save(call: Call, before: Invoice, after: Invoice, message: str, *, with_detail: bool = False) -> Reply:
    """Store a changed invoice, log it and tell the rules."""
    call.org.put_invoice(after, call.now)
    fields = changed_fields(before, after)
    shown = detail(call, after)
    call.changed("invoice", after.id, "update" if fields else "noop", {"invoice": shown}, fields)
    return done(message, invoice=shown) if with_detail else done(message)


def upsert_invoice(call: Call) -> Reply:
    body = call.body()
    existing = upserted(call, call.org.invoices, "invoice", "Invoice")
    return create(call, body) if existing is None else update(call, body, existing)


def delete_invoice(call: Call) -> Reply:
    invoice = found(call)
    _refuse_if_settled(invoice, "deleted")
    shown = detail(call, invoice)
    call.org.drop_invoice(invoice, call.now)
    call.org.comments.pop(invoice.id, None)
    call.changed("invoice", invoice.id, "delete", {"invoice": shown})
    return done("The invoice has been deleted.")


def _refuse_if_settled(invoice: Invoice, verb: str) -> None:
    if invoice.paid or invoice.credited or invoice.withheld:
        raise Refusal(400, 1040, f"Invoices with payments or credits applied cannot be {verb}.")


def mark_sent(call: Call) -> Reply:
    before = found(call)
    if before.status == "void":
        raise invalid("status")
    after = settled(replace(before, status="sent")) if before.status == "draft" else before
    return save(call, before, replace(after, modified=call.now), "Invoice status has been changed to Sent.")


def mark_void(call: Call) -> Reply:
    before = found(call)
    _refuse_if_settled(before, "voided")
    return save(
        call, before, replace(before, status="void", modified=call.now), "Invoice status has been changed to Void."
    )


def mark_draft(call: Call) -> Reply:
    """Only a void invoice goes back to draft."""
    before = found(call)
    if before.status not in ("void", "draft"):
        raise invalid("status")
    after = replace(before, status="draft", modified=call.now)
    return save(call, before, after, "Status of invoice changed from void to draft")


def write_off(call: Call) -> Reply:
    before = found(call)
    if not before.in_ledger or before.balance <= 0:
        raise invalid("status")
    after = settled(replace(before, written_off=before.written_off + before.balance, modified=call.now))
    return save(call, before, after, "Invoice has been written off")


def cancel_write_off(call: Call) -> Reply:
    before = found(call)
    if not before.written_off:
        raise invalid("status")
    after = settled(replace(before, written_off=ZERO, modified=call.now))
    return save(call, before, after, "The write off done for this invoice has been cancelled.")


def send_email(call: Call) -> Reply:
    """No e-mail leaves the sandbox; the invoice is marked as e-mailed and, being a draft, as sent."""
    before = found(call)
    if before.status == "void":
        raise invalid("status")
    after = settled(replace(before, status="sent")) if before.status == "draft" else before
    return save(call, before, replace(after, emailed=True, modified=call.now), "Your invoice has been sent.")
