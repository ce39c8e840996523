"""What a request says about an invoice, checked and worked out."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from sandbox.zoho_books.call import Call
from sandbox.zoho_books.contacts import read_tags, terms_label
from sandbox.zoho_books.custom_fields import read as read_custom
from sandbox.zoho_books.documents import Invoice
from sandbox.zoho_books.invoice_views import invoice_terms
from sandbox.zoho_books.lines import charges, check_total, read_discount, read_lines
from sandbox.zoho_books.locking import check_open
from sandbox.zoho_books.money import ZERO, totals
from sandbox.zoho_books.records import Contact
from sandbox.zoho_books.refusals import invalid, missing, number_taken
from sandbox.zoho_books.stamps import plus_days
from sandbox.zoho_books.unique import check_unique, header_values
from sandbox.zoho_books.wire import Body

DISCOUNT_TYPES = frozenset({"entity_level", "item_level"})


def blank(call: Call, body: Body) -> Invoice:
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


def filled(call: Call, body: Body, invoice: Invoice) -> Invoice:
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
    check_switched(call, invoice)
    invoice = _figured(call, _dated(body, invoice, is_new=is_new))
    return replace(invoice, number=_number(call, body, invoice))


def check_switched(call: Call, invoice: Invoice) -> None:
    """What some organisations refuse, as far as it is known; each is off at first (UNCONFIRMED)."""
    switches, customer = call.switches, call.org.contacts.get(invoice.customer_id)
    check_open(call, invoice.date)
    if switches.customer_currency_only and customer and customer.currency_id != invoice.currency_id:
        raise invalid("currency_id")
    if switches.tax_mandatory and any(not line.tax_id and not line.tax_exemption_id for line in invoice.lines):
        raise missing("tax_id")


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
    check_unique(call, call.org.invoices, fields, values, invoice.id)
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
