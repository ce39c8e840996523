"""The list of invoices: its documented filters and columns."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.zoho_books.call import Call, Reply
from sandbox.zoho_books.documents import Invoice
from sandbox.zoho_books.invoice_status import has_status
from sandbox.zoho_books.invoice_views import invoice_row
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
from sandbox.zoho_books.refusals import invalid

STATUSES = frozenset({"sent", "draft", "overdue", "paid", "void", "unpaid", "partially_paid", "viewed"})
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
        **exact_filter("zcrm_potential_id", lambda one: one.crm_deal_id),
    },
    named_filters=dict.fromkeys([*NAMED, "Date.PaymentExpectedDate"], _with_status),
)


def list_invoices(call: Call) -> Reply:
    return page_of(call, call.org.invoices, LISTING)
