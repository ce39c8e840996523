"""The fields of the ledger's records, and which of them a row of the list has already: the vendor's description of each list and record."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from vendors.catalogue import FieldType
from vendors.zoho_books import wire
from vendors.zoho_books.columns import Column

_CREATED = Column("created_time", "created_at", "Created Time", "datetime")
_CURRENCY = Column("currency_code", "currency", "Currency")
_REFERENCE = Column("reference_number", "reference", "Reference Number")
_STATUS = Column("status", "status", "Status")
_SUPPLIER = (Column("vendor_id", "supplier_id", "Supplier"), Column("vendor_name", "supplier", "Supplier Name"))
_CUSTOMER = (Column("customer_id", "customer_id", "Customer"), Column("customer_name", "customer", "Customer Name"))
_TOTAL, _BALANCE = Column("total", "total", "Total", "money"), Column("balance", "balance", "Balance", "money")


def _rate(*, in_list: bool) -> Column:
    return Column("exchange_rate", "exchange_rate", "Exchange Rate", "number", in_list=in_list)


def _detail(theirs: str, ours: str, label: str, kind: FieldType = "text") -> Column:
    return Column(theirs, ours, label, kind, in_list=False)


_SUMS = (_detail("sub_total", "subtotal", "Sub Total", "money"), _detail("tax_total", "tax", "Tax", "money"))

BILL = (
    Column("bill_number", "number", "Bill Number"), *_SUPPLIER, _STATUS, _CURRENCY, _rate(in_list=True), _REFERENCE,
    Column("date", "issued_on", "Bill Date", "date"), Column("due_date", "due_on", "Due Date", "date"),
    *_SUMS, _TOTAL, _BALANCE, _CREATED,
)  # fmt: skip

PURCHASE_ORDER = (
    Column("purchaseorder_number", "number", "Purchase Order Number"), *_SUPPLIER, _STATUS, _CURRENCY, _rate(in_list=False),
    _REFERENCE, Column("date", "issued_on", "Date", "date"), Column("delivery_date", "due_on", "Delivery Date", "date"),
    *_SUMS, _TOTAL, _CREATED,
)  # fmt: skip

CREDIT_NOTE = (
    Column("creditnote_number", "number", "Credit Note Number"), *_CUSTOMER, _STATUS, _CURRENCY, _rate(in_list=False),
    _REFERENCE, Column("date", "issued_on", "Credit Note Date", "date"), *_SUMS, _TOTAL, _BALANCE, _CREATED,
)  # fmt: skip

SUPPLIER_PAYMENT = (
    Column("payment_number", "number", "Payment Number"), *_SUPPLIER, Column("amount", "amount", "Amount Paid", "money"),
    Column("balance", "unused", "Unused Amount", "money"), _rate(in_list=True), Column("date", "paid_on", "Payment Date", "date"),
    Column("paid_through_account_name", "paid_through", "Paid Through"), Column("payment_mode", "method", "Payment Mode"),
    _REFERENCE, Column("description", "description", "Description"), _CREATED,
)  # fmt: skip

EXPENSE = (
    Column("account_name", "account", "Expense Account"), *_CUSTOMER, _STATUS, _CURRENCY, _rate(in_list=False), _REFERENCE,
    _detail("paid_through_account_name", "paid_through", "Paid Through"),
    Column("description", "description", "Description"), Column("date", "spent_on", "Date", "date"),
    _detail("sub_total", "subtotal", "Sub Total", "money"), _TOTAL,
    Column("is_billable", "billable", "Billable", "boolean"),
)  # fmt: skip

ITEM = (
    Column("name", "name", "Name"), Column("sku", "sku", "SKU"), Column("description", "description", "Description"), _STATUS,
    Column("product_type", "kind", "Product Type"), Column("unit", "unit", "Unit"), Column("rate", "rate", "Rate", "money"),
    Column("tax_name", "tax", "Tax"),
)  # fmt: skip

ACCOUNT = (
    Column("account_name", "name", "Account Name"), Column("account_code", "code", "Account Code"),
    Column("account_type", "kind", "Account Type"), Column("is_active", "active", "Active", "boolean"),
    Column("parent_account_id", "parent_id", "Parent Account"),
    _detail("currency_code", "currency", "Currency"), _detail("description", "description", "Description"), _CREATED,
)  # fmt: skip

# A row of the list has no stamp, so it tells nothing but its id.
JOURNAL = (
    _detail("entry_number", "number", "Journal Number"), _detail("reference_number", "reference", "Reference Number"),
    _detail("notes", "notes", "Notes"), _detail("status", "status", "Status"), _detail("currency_code", "currency", "Currency"),
    _rate(in_list=False), _detail("journal_date", "booked_on", "Date", "date"), _detail("total", "total", "Total", "money"),
    _detail("created_time", "created_at", "Created Time", "datetime"),
)  # fmt: skip


def entries(rows: Iterable[Any]) -> list[dict[str, Any]]:
    """The lines of a journal: which account, on which side, how much."""
    return [
        {
            "account": wire.text(row.get("account_name")),
            "side": wire.text(row.get("debit_or_credit")),
            "amount": wire.amount(row.get("amount")) or "0",
            "description": wire.text(row.get("description")),
        }
        for row in rows
        if isinstance(row, dict)
    ]
