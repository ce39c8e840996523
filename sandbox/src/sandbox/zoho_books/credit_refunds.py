"""Money of a credit note that is given back to the customer."""

from __future__ import annotations

from dataclasses import replace

from sandbox.zoho_books.call import Call, Reply, done
from sandbox.zoho_books.credit_notes import closed, found, save
from sandbox.zoho_books.documents import CreditNote, Refund
from sandbox.zoho_books.listing import small_page
from sandbox.zoho_books.money import rounded
from sandbox.zoho_books.refusals import invalid, missing
from sandbox.zoho_books.wire import Document, number


def list_refunds(call: Call) -> Reply:
    """`GET /creditnotes/{id}/refunds`."""
    note = found(call)
    rows = (_view(call, note, refund) for refund in note.refunds)
    return small_page(call, "creditnote_refunds", "Credit Note Refunds", rows, "date")


def add_refund(call: Call) -> Reply:
    """Never more than the note has left; one that is a draft, void or used up gives nothing."""
    before, body = found(call), call.body()
    if before.status != "open":
        raise invalid("status")
    for name in ("date", "amount"):
        if not body.text(name):
            raise missing(name)
    amount = rounded(body.amount("amount"), call.org.currencies[before.currency_id].precision)
    if amount <= 0 or amount > before.balance:
        raise invalid("amount")
    refund = Refund(
        call.org.new_id(), amount, body.day("date"), body.text("refund_mode", "", 50),
        body.text("reference_number", "", 100), body.text("description", "", 500),
    )  # fmt: skip
    after = closed(replace(before, refunds=(*before.refunds, refund), modified=call.now))
    save(call, before, after, "")
    return done(
        "The refund information for this credit note has been saved.", creditnote_refund=_view(call, after, refund)
    )


def _view(call: Call, note: CreditNote, refund: Refund) -> Document:
    return {
        "creditnote_refund_id": refund.id,
        "creditnote_id": note.id,
        "creditnote_number": note.number,
        "date": refund.date,
        "refund_mode": refund.mode,
        "reference_number": refund.reference_number,
        "amount": number(refund.amount),
        "customer_name": call.org.customer_name(note.customer_id),
        "description": refund.description,
    }
