"""Every kind of record that is read from Zoho Books, one row each. None costs a call until a leg of a sync starts from it, or a fact needs it.

Where sorting and filters come from: the vendor's description of each list. What it names is used, what it does not name is refused there or
ignored, and both would lose changes without a word:

- a list that takes `last_modified_time` is asked for what has changed (`filter`)
- contacts and payments of customers sort by it (`newest`)
- items and expenses do neither: what has changed is only seen by reading the list whole (`whole`), as often as a share of the day's calls
  allows
- rows of journals have no stamp at all, so each that is listed is read by id
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from vendors.zoho_books import catalogue, ledger_columns, tellers, wire
from vendors.zoho_books.columns import UPDATED, Column, Part, teller
from vendors.zoho_books.ledger_columns import entries
from vendors.zoho_books.reader import RecordReader

_LINES: Mapping[str, tuple[str, Part]] = {"line_items": ("lines", tellers.lines)}
_BILLS: Mapping[str, tuple[str, Part]] = {"bills": ("bills", partial(tellers.applied, id_name="bill_id"))}
_ENTRIES: Mapping[str, tuple[str, Part]] = {"line_items": ("lines", entries)}


def _contact(title: str, kind: str) -> RecordReader:
    return RecordReader(
        title, "/contacts", "contact", ("contacts",), "contact_id", "contact", tellers.customer, catalogue.CUSTOMER,
        changes="newest", chosen={"contact_type": kind},
    )  # fmt: skip


def _by_columns(
    title: str, word: str, key: str, columns: tuple[Column, ...], parts: Mapping[str, tuple[str, Part]], **how: Any
) -> RecordReader:
    """A row whose fields are columns; where its list is called otherwise than its path, or its id than itself, `how` says so."""
    given = {"path": f"/{key}", "id_name": f"{word}_id", "module": word} | how
    fields = (*(one.field() for one in columns), UPDATED)
    inside = frozenset(ours for ours, _ in parts.values())
    return RecordReader(
        title, word=word, keys=(key,), tell=teller(columns, parts), fields=fields, inside=inside, **given
    )


READERS: Mapping[str, RecordReader] = {
    "customer": _contact("Customers", "customer"),
    "supplier": _contact("Suppliers", "vendor"),
    "invoice": RecordReader(
        "Invoices", "/invoices", "invoice", ("invoices",), "invoice_id", "invoice", tellers.invoice, catalogue.INVOICE,
        inside=frozenset({"lines"}),
    ),
    # The description names the one, the wire has the other (sheet, section 4).
    "payment": RecordReader(
        "Payments", "/customerpayments", "payment", ("customerpayments", "customer_payments"), "payment_id",
        "customer_payment", tellers.payment, catalogue.PAYMENT, changes="newest", inside=frozenset({"invoices"}),
    ),
    "bill": _by_columns("Bills", "bill", "bills", ledger_columns.BILL, _LINES),
    "purchase_order": _by_columns(
        "Purchase Orders", "purchaseorder", "purchaseorders", ledger_columns.PURCHASE_ORDER, _LINES
    ),
    "credit_note": _by_columns(
        "Credit Notes", "creditnote", "creditnotes", ledger_columns.CREDIT_NOTE, _LINES,
        stamps=("last_modified_time", "updated_time"),
    ),
    "supplier_payment": _by_columns(
        "Payments Made", "vendorpayment", "vendorpayments", ledger_columns.SUPPLIER_PAYMENT, _BILLS,
        id_name="payment_id", module="vendor_payment", order="date",
    ),
    "expense": _by_columns("Expenses", "expense", "expenses", ledger_columns.EXPENSE, {}, changes="whole"),
    "item": _by_columns("Items", "item", "items", ledger_columns.ITEM, {}, changes="whole", order="name"),
    "account": _by_columns(
        "Chart of Accounts", "chart_of_account", "chartofaccounts", ledger_columns.ACCOUNT, {},
        id_name="account_id", module="account", order="account_name",
    ),
    "journal": _by_columns(
        "Journals", "journal", "journals", ledger_columns.JOURNAL, _ENTRIES, order="entry_number", stamped=False
    ),
}  # fmt: skip


def fields(entity: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """What this object tells of such a record, in neutral words."""
    reader = READERS[entity]
    return wire.fields(entity, found, reader.tell, reader.moment(found))
