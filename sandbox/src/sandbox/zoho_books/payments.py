"""Customer payments and their refunds (sheet, section 4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from sandbox.zoho_books.allocations import apply, read_allocations
from sandbox.zoho_books.call import Call, Reply, changed_fields, created, done
from sandbox.zoho_books.custom_fields import read as read_custom
from sandbox.zoho_books.documents import Invoice, Payment, Refund
from sandbox.zoho_books.invoice_filling import customer_of
from sandbox.zoho_books.listing import (
    Listing,
    day_filters,
    exact_filter,
    number_filters,
    page_of,
    small_page,
    text_filters,
)
from sandbox.zoho_books.locking import check_open
from sandbox.zoho_books.money import ZERO, rounded
from sandbox.zoho_books.payment_views import invoice_payment_view, payment_detail, payment_row, refund_view
from sandbox.zoho_books.refusals import absent, invalid, missing
from sandbox.zoho_books.unique import check_unique, header_values, upserted
from sandbox.zoho_books.wire import Body

MODES = {
    "PaymentMode.Check": "check", "PaymentMode.Cash": "cash", "PaymentMode.BankTransfer": "banktransfer",
    "PaymentMode.Paypal": "paypal", "PaymentMode.CreditCard": "creditcard",
    "PaymentMode.GoogleCheckout": "googlecheckout", "PaymentMode.Credit": "credit",
    "PaymentMode.Authorizenet": "authorizenet", "PaymentMode.BankRemittance": "bankremittance",
    "PaymentMode.Payflowpro": "payflowpro", "PaymentMode.Others": "others",
}  # fmt: skip
Test = Callable[[Payment], bool]


def _in_mode(call: Call, value: str) -> Test:
    return lambda payment: payment.mode.lower().replace(" ", "") == MODES[value]


def _searching(call: Call, value: str) -> Test:
    wanted = value.casefold()

    def said(payment: Payment) -> bool:
        texts = (payment.reference_number, call.org.customer_name(payment.customer_id), payment.description)
        return any(wanted in text.casefold() for text in texts)

    return said


LISTING: Listing[Payment] = Listing(
    key="customerpayments",
    report="Customer Payments",
    row=lambda call, payment: payment_row(call.org, payment),
    sorts=frozenset({"customer_name", "date", "payment_number", "amount", "created_time", "last_modified_time"}),
    default_sort="created_time",
    default_order="D",
    all_filter="PaymentMode.All",
    filters={
        **text_filters("customer_name", lambda call, one: call.org.customer_name(one.customer_id)),
        **text_filters("reference_number", lambda call, one: one.reference_number),
        **exact_filter("customer_id", lambda one: one.customer_id),
        **day_filters("date", lambda call, one: one.date),
        **number_filters("amount", lambda one: one.amount),
        **text_filters("notes", lambda call, one: one.description),
        **text_filters("payment_mode", lambda call, one: one.mode),
        "search_text": _searching,
    },
    named_filters=dict.fromkeys(MODES, _in_mode),
)


def list_payments(call: Call) -> Reply:
    return page_of(call, call.org.payments, LISTING)


def found(call: Call) -> Payment:
    payment = call.org.payments.get(call.ids["payment_id"])
    if payment is None:
        raise absent("Payment")
    return payment


def get_payment(call: Call) -> Reply:
    return done("success", payment=payment_detail(call.org, found(call)))


def create_payment(call: Call) -> Reply:
    return create(call, call.body())


def create(call: Call, body: Body) -> Reply:
    org, customer = call.org, customer_of(call, body)
    for name in ("payment_mode", "amount", "date"):
        body.required(name, 100)
    blank = Payment(org.new_id(), "", customer.id, call.now, call.now, customer.currency_id, Decimal(1), "", "", ZERO)
    payment = _filled(call, body, blank)
    payment = replace(payment, number=str(org.next_number("payment")))
    apply(call, "paid", (), payment.allocations)
    org.put_payment(payment, call.now)
    shown = payment_detail(org, payment)
    call.changed("payment", payment.id, "create", {"payment": shown})
    return created("The payment has been created.", payment=shown)


def update_payment(call: Call) -> Reply:
    return update(call, call.body(), found(call))


def update(call: Call, body: Body, before: Payment) -> Reply:
    after = replace(_filled(call, body, before), modified=call.now)
    apply(call, "paid", before.allocations, after.allocations)
    return _save(call, before, after, "The payment details have been updated.")


def _save(call: Call, before: Payment, after: Payment, message: str) -> Reply:
    call.org.put_payment(after, call.now)
    fields = changed_fields(before, after)
    shown = payment_detail(call.org, after)
    call.changed("payment", after.id, "update" if fields else "noop", {"payment": shown}, fields)
    return done(message, payment=shown)


def upsert_payment(call: Call) -> Reply:
    body = call.body()
    existing = upserted(call, call.org.payments, "payment", "Payment")
    return create(call, body) if existing is None else update(call, body, existing)


def _filled(call: Call, body: Body, payment: Payment) -> Payment:
    org, is_new = call.org, not payment.number
    if not is_new and body.text("customer_id", payment.customer_id) != payment.customer_id:
        raise invalid("customer_id")
    date = body.day("date", payment.date)
    check_open(call, date)
    parts = payment.allocations
    if body.has("invoices") or is_new:
        parts = read_allocations(call, body, payment.customer_id, date, payment.allocations)
    currency = org.currencies[_currency_id(org.invoices.get(parts[0].invoice_id) if parts else None, payment)]
    rate = body.amount("exchange_rate", org.rate_on(currency, date) if is_new else payment.exchange_rate)
    amount = rounded(body.amount("amount", payment.amount), currency.precision)
    if amount <= 0:
        raise invalid("amount")
    if rate <= 0:
        raise invalid("exchange_rate")
    after = replace(
        payment,
        date=date,
        mode=body.text("payment_mode", payment.mode, 100),
        amount=amount,
        currency_id=currency.id,
        exchange_rate=Decimal(1) if currency.base else rate,
        allocations=parts,
        reference_number=body.text("reference_number", payment.reference_number, 100),
        description=body.text("description", payment.description, 500),
        bank_charges=body.amount("bank_charges", payment.bank_charges),
        account_id=body.id("account_id", payment.account_id),
        custom=_custom(call, body, payment, is_new=is_new),
    )
    if after.unused < 0:
        raise invalid("amount_applied")
    return after


def _currency_id(invoice: Invoice | None, payment: Payment) -> str:
    return invoice.currency_id if invoice else payment.currency_id


def _custom(call: Call, body: Body, payment: Payment, *, is_new: bool) -> dict[str, str]:
    fields = call.org.fields_of("payment")
    values = read_custom(body, fields) or {}
    if is_new:
        values = header_values(call, values)
    check_unique(call, call.org.payments, fields, values, payment.id)
    return {**payment.custom, **values}


def delete_payment(call: Call) -> Reply:
    payment = found(call)
    shown = payment_detail(call.org, payment)
    apply(call, "paid", payment.allocations, ())
    call.org.drop_payment(payment, call.now)
    call.changed("payment", payment.id, "delete", {"payment": shown})
    return done("The payment has been deleted.")


def list_refunds(call: Call) -> Reply:
    payment = found(call)
    rows = (refund_view(call.org, payment, refund) for refund in payment.refunds)
    reply = small_page(call, "payment_refunds", "Payment Refunds", rows, "date")
    return reply._replace(message="The list of refunds of the customer is displayed successfully.")


def add_refund(call: Call) -> Reply:
    """Only what is not applied to an invoice can be given back."""
    before, body = found(call), call.body()
    for name in ("date", "amount"):
        if not body.text(name):
            raise missing(name)
    digits = call.org.currencies[before.currency_id].precision
    amount = rounded(body.amount("amount"), digits)
    if amount <= 0 or amount > before.unused:
        raise invalid("amount")
    refund = Refund(
        call.org.new_id(), amount, body.day("date"), body.text("refund_mode", "", 50),
        body.text("reference_number", "", 100), body.text("description", "", 500),
    )  # fmt: skip
    after = replace(before, refunds=(*before.refunds, refund), modified=call.now)
    _save(call, before, after, "")
    shown = [refund_view(call.org, after, refund)]
    return done("The refund information for this payment has been saved.", payment_refunds=shown)


def payments_of_invoice(call: Call) -> Reply:
    """`GET /invoices/{id}/payments`."""
    invoice_id = call.ids["invoice_id"]
    if call.org.invoices.get(invoice_id) is None:
        raise absent("Invoice")
    rows = [
        invoice_payment_view(payment, part)
        for payment in call.org.payments.look_up("invoice_id", invoice_id)
        for part in payment.allocations
        if part.invoice_id == invoice_id
    ]
    return done("success", payments=rows)


def delete_payment_of_invoice(call: Call) -> Reply:
    """Take one payment off an invoice: its money becomes unused."""
    for before in call.org.payments.look_up("invoice_id", call.ids["invoice_id"]):
        left = tuple(part for part in before.allocations if part.id != call.ids["invoice_payment_id"])
        if len(left) < len(before.allocations):
            apply(call, "paid", before.allocations, left)
            _save(call, before, replace(before, allocations=left, modified=call.now), "")
            return done("The payment has been deleted.")
    raise absent("Payment")
