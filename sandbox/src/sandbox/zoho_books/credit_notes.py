"""Credit notes, and the credits that settle invoices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from sandbox.zoho_books.allocations import apply, read_allocations
from sandbox.zoho_books.call import Call, Reply, changed_fields, created, done
from sandbox.zoho_books.credit_note_views import credit_note_detail, credit_note_row, terms_of
from sandbox.zoho_books.custom_fields import read as read_custom
from sandbox.zoho_books.documents import Allocation, CreditNote
from sandbox.zoho_books.invoice_filling import customer_of
from sandbox.zoho_books.lines import charges, check_total, read_lines
from sandbox.zoho_books.listing import (
    Listing,
    Test,
    day_filters,
    exact_filter,
    modified_filter,
    number_filters,
    page_of,
    text_filters,
)
from sandbox.zoho_books.locking import check_open
from sandbox.zoho_books.money import ZERO, totals
from sandbox.zoho_books.refusals import Refusal, absent, invalid, missing, number_taken
from sandbox.zoho_books.unique import check_unique, header_values, upserted
from sandbox.zoho_books.wire import Body, Document, number

STATUSES = frozenset({"open", "closed", "void", "draft"})
NAMED = {f"Status.{status.title()}": status for status in sorted(STATUSES)}


def _with_status(call: Call, value: str) -> Test[CreditNote]:
    wanted = NAMED.get(value, value)
    if wanted not in STATUSES:
        raise invalid("status")
    return lambda note: note.status == wanted


def _searching(call: Call, value: str) -> Test[CreditNote]:
    wanted = value.casefold()

    def said(note: CreditNote) -> bool:
        texts = (note.number, note.reference_number, call.org.customer_name(note.customer_id))
        return any(wanted in text.casefold() for text in texts)

    return said


def _on_a_line(column: str) -> Callable[[Call, str], Test[CreditNote]]:
    def made(call: Call, value: str) -> Test[CreditNote]:
        return lambda note: any(getattr(line, column) == value for line in note.lines)

    return made


LISTING: Listing[CreditNote] = Listing(
    key="creditnotes",
    report="Credit Notes",
    row=lambda call, note: credit_note_row(call.org, note),
    sorts=frozenset(
        {"customer_name", "creditnote_number", "balance", "total", "date", "created_time", "last_modified_time"}
    ),
    default_sort="created_time",
    default_order="D",
    filters={
        **text_filters("creditnote_number", lambda call, note: note.number),
        **day_filters("date", lambda call, note: note.date),
        "status": _with_status,
        **number_filters("total", lambda note: note.total),
        **text_filters("reference_number", lambda call, note: note.reference_number),
        **text_filters("customer_name", lambda call, note: call.org.customer_name(note.customer_id)),
        **exact_filter("customer_id", lambda note: note.customer_id),
        "item_id": _on_a_line("item_id"),
        "line_item_id": _on_a_line("id"),
        "tax_id": _on_a_line("tax_id"),
        **text_filters("item_name", lambda call, note: "\n".join(line.name for line in note.lines)),
        **text_filters("item_description", lambda call, note: "\n".join(line.description for line in note.lines)),
        **modified_filter(lambda note: note.modified),
        "search_text": _searching,
    },
    named_filters=dict.fromkeys(NAMED, _with_status),
)


def list_credit_notes(call: Call) -> Reply:
    return page_of(call, call.org.credit_notes, LISTING)


def found(call: Call) -> CreditNote:
    note = call.org.credit_notes.get(call.ids["creditnote_id"])
    if note is None:
        raise absent("Credit note")
    return note


def get_credit_note(call: Call) -> Reply:
    return done("success", creditnote=credit_note_detail(call.org, found(call)))


def create_credit_note(call: Call) -> Reply:
    return create(call, call.body())


def create(call: Call, body: Body) -> Reply:
    org, customer = call.org, customer_of(call, body)
    blank = CreditNote(
        org.new_id(), "", customer.id, call.now, call.now, customer.currency_id, Decimal(1), org.today(call.now), (),
        ZERO, ZERO, ZERO, status="draft" if body.flag("is_draft") else "open",
    )  # fmt: skip
    note = _filled(call, body, blank)
    org.put_credit_note(note, call.now)
    shown = credit_note_detail(org, note)
    call.changed("creditnote", note.id, "create", {"creditnote": shown})
    return created("The credit note has been created.", creditnote=shown)


def update_credit_note(call: Call) -> Reply:
    return update(call, call.body(), found(call))


def update(call: Call, body: Body, before: CreditNote) -> Reply:
    if before.status == "void":
        raise invalid("status")
    after = replace(_filled(call, body, before), modified=call.now)
    if after.balance < 0:
        raise invalid("total")
    return save(call, before, closed(after), "The credit note has been updated.", with_detail=True)


def upsert_credit_note(call: Call) -> Reply:
    body = call.body()
    existing = upserted(call, call.org.credit_notes, "creditnote", "Credit note")
    return create(call, body) if existing is None else update(call, body, existing)


def save(call: Call, before: CreditNote, after: CreditNote, message: str, *, with_detail: bool = False) -> Reply:
    call.org.put_credit_note(after, call.now)
    fields = changed_fields(before, after)
    shown = credit_note_detail(call.org, after)
    call.changed("creditnote", after.id, "update" if fields else "noop", {"creditnote": shown}, fields)
    return done(message, creditnote=shown) if with_detail else done(message)


def closed(note: CreditNote) -> CreditNote:
    if note.status in ("draft", "void"):
        return note
    return replace(note, status="closed" if note.balance <= 0 else "open")


def _filled(call: Call, body: Body, note: CreditNote) -> CreditNote:
    org, is_new = call.org, not note.number
    currency = org.currency(body.id("currency_id", note.currency_id))
    date = body.day("date", note.date)
    check_open(call, date)
    rate = body.amount("exchange_rate", org.rate_on(currency, date) if is_new else note.exchange_rate)
    if rate <= 0:
        raise invalid("exchange_rate")
    fields = org.fields_of("creditnote")
    values = read_custom(body, fields) or {}
    values = header_values(call, values) if is_new else values
    check_unique(call, org.credit_notes, fields, values, note.id)
    note = replace(
        note,
        currency_id=currency.id,
        exchange_rate=Decimal(1) if currency.base else rate,
        date=date,
        lines=read_lines(call, body, note.lines) if is_new or body.has("line_items") else note.lines,
        inclusive_tax=body.flag("is_inclusive_tax", note.inclusive_tax),
        reference_number=body.text("reference_number", note.reference_number, 100),
        notes=body.text("notes", note.notes, 5000),
        terms=body.text("terms", note.terms, 10_000),
        custom={**note.custom, **values},
    )
    figures = totals(charges(org, note.lines), terms_of(org, note))
    note = replace(
        note,
        sub_total=figures.sub_total,
        tax_total=figures.tax_total,
        total=check_total(figures.total),
        taxes=figures.taxes,
    )
    return replace(note, number=_number(call, body, note))


def _number(call: Call, body: Body, note: CreditNote) -> str:
    """As with invoices: the series, unless the call asks to give its own."""
    own = call.param("ignore_auto_number_generation") == "true" or body.flag("ignore_auto_number_generation")
    if not own:
        return note.number or f"CN-{call.org.next_number('creditnote'):05d}"
    wanted = body.text("creditnote_number", note.number, 100).strip()
    if not wanted:
        raise missing("creditnote_number")
    others = call.org.credit_notes.look_up("creditnote_number", wanted.casefold())
    if any(other.id != note.id for other in others):
        raise number_taken("Credit note number", wanted)
    return wanted


def delete_credit_note(call: Call) -> Reply:
    note = found(call)
    _refuse_if_applied(note, "deleted")
    shown = credit_note_detail(call.org, note)
    call.org.drop_credit_note(note, call.now)
    call.changed("creditnote", note.id, "delete", {"creditnote": shown})
    return done("The credit note has been deleted.")


def _refuse_if_applied(note: CreditNote, verb: str) -> None:
    if note.allocations or note.refunds:
        raise Refusal(400, 1040, f"Credit notes applied to invoices or refunded cannot be {verb}.")


def mark_void(call: Call) -> Reply:
    before = found(call)
    _refuse_if_applied(before, "voided")
    after = replace(before, status="void", modified=call.now)
    return save(call, before, after, "The credit note has been marked as void.")


def mark_draft(call: Call) -> Reply:
    before = found(call)
    if before.status not in ("void", "draft"):
        raise invalid("status")
    after = replace(before, status="draft", modified=call.now)
    return save(call, before, after, "The credit note has been marked as Draft.")


def mark_open(call: Call) -> Reply:
    before = found(call)
    after = closed(replace(before, status="open", modified=call.now))
    return save(call, before, after, "Status of the credit note has been changed to open.")


def list_applied(call: Call) -> Reply:
    """`GET /creditnotes/{id}/invoices`."""
    note = found(call)
    rows = [
        {
            "creditnote_id": note.id,
            "invoice_id": part.invoice_id,
            "creditnote_invoice_id": part.id,
            "date": part.date,
            **_credited(call, note, part),
        }
        for part in note.allocations
    ]
    return done("success", invoices_credited=rows)


def _credited(call: Call, note: CreditNote, part: Allocation) -> Document:
    invoice = call.org.invoices.get(part.invoice_id)
    return {
        "invoice_number": invoice.number if invoice else "",
        "creditnote_number": note.number,
        "credited_amount": number(part.amount),
    }


def apply_to_invoices(call: Call) -> Reply:
    """`POST /creditnotes/{id}/invoices`: more invoices settled from what is left."""
    before, body = found(call), call.body()
    if before.status != "open":
        raise invalid("status")
    parts = read_allocations(call, body, before.customer_id, call.org.today(call.now))
    if not parts:
        raise missing("invoices")
    return _applied(call, before, parts)


def _applied(call: Call, before: CreditNote, parts: tuple[Allocation, ...]) -> Reply:
    after = replace(before, allocations=(*before.allocations, *parts), modified=call.now)
    if after.balance < 0:
        raise invalid("amount_applied")
    apply(call, "credited", (), parts)
    return save(call, before, closed(after), "Credits have been applied to the invoice(s).")


def take_back(call: Call) -> Reply:
    """`DELETE /creditnotes/{id}/invoices/{creditnote_invoice_id}`."""
    before = found(call)
    gone = [part for part in before.allocations if part.id == call.ids["creditnote_invoice_id"]]
    if not gone:
        raise absent("Credit")
    left = tuple(part for part in before.allocations if part not in gone)
    apply(call, "credited", gone, ())
    after = closed(replace(before, allocations=left, modified=call.now))
    return save(call, before, after, "Credits applied to an invoice have been deleted.")
