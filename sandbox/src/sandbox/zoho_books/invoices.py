"""Invoices: list, read, create, update, upsert, delete, and the ways from draft to void."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from sandbox.zoho_books.call import Call, Reply, changed_fields, created, done
from sandbox.zoho_books.contacts import read_tags, terms_label
from sandbox.zoho_books.custom_fields import read as read_custom
from sandbox.zoho_books.invoice_status import has_status, settled
from sandbox.zoho_books.invoice_views import invoice_detail, invoice_row, invoice_terms
from sandbox.zoho_books.lines import charges, check_total, read_discount, read_lines
from sandbox.zoho_books.listing import (
    FilterMaker,
    Listing,
    day_filters,
    exact_filter,
    modified_filter,
    number_filters,
    page_of,
    text_filters,
)
from sandbox.zoho_books.money import ZERO, totals
from sandbox.zoho_books.records import Contact, Invoice
from sandbox.zoho_books.refusals import Refusal, absent, invalid, missing, number_taken
from sandbox.zoho_books.stamps import plus_days
from sandbox.zoho_books.unique import check_unique, header_values, upserted
from sandbox.zoho_books.wire import Body, Document

STATUSES = frozenset({"sent", "draft", "overdue", "paid", "void", "unpaid", "partially_paid", "viewed"})
DISCOUNT_TYPES = frozenset({"entity_level", "item_level"})
NAMED = {
    "Status.Draft": "draft", "Status.Sent": "sent", "Status.OverDue": "overdue", "Status.Paid": "paid",
    "Status.Void": "void", "Status.Unpaid": "unpaid", "Status.PartiallyPaid": "partially_paid",
    "Status.Viewed": "viewed",
}  # fmt: skip
Test = Callable[[Invoice], bool]


def _with_status(call: Call, value: str) -> Test:
    wanted, today = NAMED.get(value, value), call.org.today(call.now)
    if wanted not in STATUSES:
        raise invalid("status")
    return lambda invoice: has_status(invoice, wanted, today)


def _searching(call: Call, value: str) -> Test:
    wanted = value.casefold()

    def said(invoice: Invoice) -> bool:
        texts = (invoice.number, invoice.reference_number, call.org.customer_name(invoice.customer_id))
        return any(wanted in text.casefold() for text in texts)

    return said


def _email(call: Call, invoice: Invoice) -> str:
    customer = call.org.contacts.get(invoice.customer_id)
    return customer.primary.email if customer and customer.primary else ""


def _on_a_line(name: str) -> dict[str, FilterMaker[Invoice]]:
    """A text that one of the lines has to have."""
    return text_filters(f"item_{name}", lambda call, one: "\n".join(str(getattr(line, name)) for line in one.lines))


def _with_item(call: Call, value: str) -> Test:
    return lambda invoice: any(line.item_id == value for line in invoice.lines)


def _custom(compare: Callable[[str, str], bool]) -> FilterMaker[Invoice]:
    def made(call: Call, value: str) -> Test:
        wanted = value.casefold()
        return lambda invoice: any(compare(one.casefold(), wanted) for one in invoice.custom.values())

    return made


LISTING: Listing[Invoice] = Listing(
    key="invoices",
    report="Invoices",
    row=lambda call, invoice: invoice_row(call.org, invoice, call.org.today(call.now)),
    sorts=frozenset({"customer_name", "invoice_number", "date", "due_date", "total", "balance", "created_time"}),
    default_sort="created_time",
    default_order="D",
    filters={
        **text_filters("invoice_number", lambda call, one: one.number),
        **_on_a_line("name"),
        **_on_a_line("description"),
        "item_id": _with_item,
        **text_filters("reference_number", lambda call, one: one.reference_number),
        **exact_filter("customer_id", lambda one: one.customer_id),
        **text_filters("customer_name", lambda call, one: call.org.customer_name(one.customer_id)),
        **exact_filter("recurring_invoice_id", lambda one: ""),
        **text_filters("email", _email),
        **number_filters("total", lambda one: one.total),
        **number_filters("balance", lambda one: one.balance),
        "custom_field": _custom(lambda found, wanted: found == wanted),
        "custom_field_startswith": _custom(lambda found, wanted: found.startswith(wanted)),
        "custom_field_contains": _custom(lambda found, wanted: wanted in found),
        **day_filters("date", lambda call, one: one.date),
        **day_filters("due_date", lambda call, one: one.due_date),
        **day_filters("created_date", lambda call, one: call.org.today(one.created)),
        **modified_filter(lambda one: one.modified),
        "status": _with_status,
        "search_text": _searching,
        **exact_filter("zcrm_potential_id", lambda one: ""),
    },
    named_filters=dict.fromkeys([*NAMED, "Date.PaymentExpectedDate"], _with_status),
)


def list_invoices(call: Call) -> Reply:
    return page_of(call, call.org.invoices, LISTING)


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
    invoice = _filled(call, body, _blank(call, body))
    org.put_invoice(invoice, call.now)
    shown = detail(call, invoice)
    call.changed("invoice", invoice.id, "create", {"invoice": shown})
    return created("The invoice has been created.", invoice=shown)


def _blank(call: Call, body: Body) -> Invoice:
    """A draft of today for the customer; its number is drawn last, so that a refused request uses none up."""
    org, customer = call.org, customer_of(call, body)
    return Invoice(
        id=org.new_id(), number="", customer_id=customer.id, created=call.now, modified=call.now,
        currency_id=customer.currency_id, exchange_rate=ZERO, date=org.today(call.now), due_date="", lines=(),
        sub_total=ZERO, discount_total=ZERO, tax_total=ZERO, total=ZERO, payment_terms=customer.payment_terms,
        payment_terms_label=customer.payment_terms_label,
    )  # fmt: skip


def customer_of(call: Call, body: Body) -> Contact:
    customer = call.org.contacts.get(body.required("customer_id"))
    if customer is None:
        raise invalid("customer_id")
    return customer


def update_invoice(call: Call) -> Reply:
    return update(call, call.body(), found(call))


def update(call: Call, body: Body, before: Invoice) -> Reply:
    """What the body does not mention stays; `line_items`, if mentioned, are the whole new list (trap 5)."""
    if before.status == "void":
        raise invalid("status")
    after = replace(_filled(call, body, before), modified=call.now)
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


def _filled(call: Call, body: Body, invoice: Invoice) -> Invoice:
    """The invoice with everything the body says, and its figures worked out."""
    org, is_new = call.org, not invoice.number
    if not is_new and body.has("customer_id") and body.required("customer_id") != invoice.customer_id:
        invoice = replace(invoice, customer_id=_new_customer(call, body, invoice).id)
    currency = org.currency(body.id("currency_id", invoice.currency_id))
    date = body.day("date", invoice.date)
    rate = invoice.exchange_rate
    if is_new or currency.id != invoice.currency_id:
        rate = org.rate_on(currency, date)  # omitted: the vendor's rate of the day (trap 8)
    invoice = replace(
        invoice,
        currency_id=currency.id,
        date=date,
        exchange_rate=_rate(body, rate, is_base=currency.base),
        lines=read_lines(call, body, invoice.lines) if is_new or body.has("line_items") else invoice.lines,
        reference_number=body.text("reference_number", invoice.reference_number, 100),
        discount=read_discount(body, "discount") if body.has("discount") else invoice.discount,
        discount_type=body.choice("discount_type", DISCOUNT_TYPES, invoice.discount_type),
        discount_before_tax=body.flag("is_discount_before_tax", invoice.discount_before_tax),
        inclusive_tax=body.flag("is_inclusive_tax", invoice.inclusive_tax),
        shipping=_not_negative(body, "shipping_charge", invoice.shipping),
        shipping_tax_id=body.id("shipping_charge_tax_id", invoice.shipping_tax_id),
        adjustment=body.amount("adjustment", invoice.adjustment),
        adjustment_description=body.text("adjustment_description", invoice.adjustment_description, 255),
        notes=body.text("notes", invoice.notes, 5000),
        terms=body.text("terms", invoice.terms, 10_000),
        salesperson=body.text("salesperson_name", invoice.salesperson, 200),
        person_ids=_persons(call, body, invoice),
        tags=read_tags(call, body) if body.has("tags") else invoice.tags,
        custom=_custom_values(call, body, invoice, is_new=is_new),
    )
    invoice = _figured(call, _dated(body, invoice, is_new=is_new))
    return replace(invoice, number=_number(call, body, invoice))


def _new_customer(call: Call, body: Body, invoice: Invoice) -> Contact:
    if invoice.paid or invoice.credited:
        raise invalid("customer_id")
    return customer_of(call, body)


def _rate(body: Body, default: Decimal, *, is_base: bool) -> Decimal:
    rate = body.amount("exchange_rate", default)
    if rate <= 0:
        raise invalid("exchange_rate")
    return Decimal(1) if is_base else rate


def _not_negative(body: Body, name: str, default: Decimal) -> Decimal:
    amount = body.amount(name, default)
    if amount < 0:
        raise invalid(name)
    return amount


def _dated(body: Body, invoice: Invoice, *, is_new: bool) -> Invoice:
    """Due by what is said, by the payment terms, or by the customer's."""
    terms = body.whole("payment_terms", invoice.payment_terms)
    label = body.text("payment_terms_label", "", 100)
    if not -10 <= terms <= 3650:
        raise invalid("payment_terms")
    if not label:
        label = invoice.payment_terms_label if terms == invoice.payment_terms else terms_label(terms)
    follows = is_new or body.has("payment_terms") or body.has("date")
    due = body.day("due_date") or (plus_days(invoice.date, max(terms, 0)) if follows else invoice.due_date)
    if due < invoice.date:
        raise invalid("due_date")
    return replace(invoice, payment_terms=terms, payment_terms_label=label, due_date=due)


def _figured(call: Call, invoice: Invoice) -> Invoice:
    figures = totals(charges(call.org, invoice.lines), invoice_terms(call.org, invoice))
    return replace(
        invoice,
        sub_total=figures.sub_total,
        discount_total=figures.discount,
        tax_total=figures.tax_total,
        total=check_total(figures.total),
        taxes=figures.taxes,
    )


def _persons(call: Call, body: Body, invoice: Invoice) -> tuple[str, ...]:
    if not body.has("contact_persons"):
        return invoice.person_ids
    customer = call.org.contacts.get(invoice.customer_id)
    known = {person.id for person in customer.persons} if customer else set()
    wanted = body.words("contact_persons")
    if not known.issuperset(wanted):
        raise invalid("contact_persons")
    return wanted


def _custom_values(call: Call, body: Body, invoice: Invoice, *, is_new: bool) -> dict[str, str]:
    fields = call.org.fields_of("invoice")
    values = read_custom(body, fields) or {}
    if is_new:
        values = header_values(call, values)
    check_unique(call.org.invoices, fields, values, invoice.id)
    return {**invoice.custom, **values}


def _number(call: Call, body: Body, invoice: Invoice) -> str:
    """Without `ignore_auto_number_generation=true` the number series wins over the body's number."""
    org, own = call.org, call.param("ignore_auto_number_generation") == "true"
    if not own:
        return invoice.number or _drawn(call)
    wanted = body.text("invoice_number", invoice.number, 100).strip()
    if not wanted:
        raise missing("invoice_number")
    if any(other.id != invoice.id for other in org.invoices.look_up("invoice_number", wanted.casefold())):
        raise number_taken("Invoice number", wanted)
    return wanted


def _drawn(call: Call) -> str:
    while True:
        number = f"INV-{call.org.next_number('invoice'):06d}"
        if not call.org.invoices.look_up("invoice_number", number.casefold()):
            return number


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
