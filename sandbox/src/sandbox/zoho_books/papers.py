"""Records that the API only shows here: bills, purchase orders, payments to suppliers, expenses, journals, the chart of accounts.

People write them in the web application (`people.py`). Each kind is one row of the table: where it is, which columns a row of the list
and which only the record itself has, by what the vendor sorts and filters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sandbox.zoho_books.custom_fields import no_values


@dataclass(slots=True)
class Paper:
    """One such record, its columns as the vendor names them; amounts are texts."""

    id: str
    created: int
    modified: int
    columns: Mapping[str, Any]
    custom: Mapping[str, str] = field(default_factory=no_values)


class PaperKind(NamedTuple):
    """One row of the table."""

    title: str
    word: str
    id_name: str
    scope: str
    module: str
    report: str
    row: tuple[str, ...]
    more: tuple[str, ...]
    sorts: tuple[str, ...]
    default_sort: str
    texts: tuple[str, ...] = ()
    days: tuple[str, ...] = ("date",)
    sums: tuple[str, ...] = ("total",)
    exact: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    """What `filter_by=Status.X` knows."""
    all_filter: str = "Status.All"
    by_time: bool = True
    """Whether the list takes `last_modified_time`."""
    stamped: bool = True
    """Whether a row of the list tells when its record was made and changed."""
    bare: bool = False
    """The record lies in the envelope itself."""

    @property
    def named(self) -> frozenset[str]:
        """Every column that a person can write."""
        return frozenset((*self.row, *self.more)) - DERIVED


AMOUNTS = frozenset(
    {"total", "balance", "sub_total", "tax_total", "bcy_total", "amount", "payment_made", "current_balance"}
)
RATES = frozenset({"exchange_rate"})
LINE_AMOUNTS = frozenset({"item_total", "amount", "amount_applied", "bcy_amount"})
LINE_RATES = frozenset({"rate", "quantity"})
DERIVED = frozenset({"currency_code"})

_PARTY = ("vendor_id", "vendor_name")
_MONEY = ("currency_id", "currency_code")
_NUMBERED = ("reference_number", "date", "status")

PAPERS: Mapping[str, PaperKind] = {
    "bills": PaperKind(
        "Bill", "bill", "bill_id", "bills", "bill", "Bills",
        row=(*_PARTY, "bill_number", *_NUMBERED, "due_date", *_MONEY, "exchange_rate", "total", "balance"),
        more=("sub_total", "tax_total", "payment_made", "line_items", "notes", "terms"),
        sorts=("vendor_name", "bill_number", "date", "due_date", "total", "balance", "created_time", "last_modified_time"),
        default_sort="created_time", texts=("bill_number", "reference_number", "vendor_name"), days=("date", "due_date"),
        exact=("vendor_id", "status"), statuses=("paid", "open", "overdue", "void", "partially_paid"),
    ),
    "purchaseorders": PaperKind(
        "Purchase Order", "purchaseorder", "purchaseorder_id", "purchaseorders", "purchaseorder", "Purchase Orders",
        row=(*_PARTY, "purchaseorder_number", *_NUMBERED, "delivery_date", *_MONEY, "total"),
        more=("exchange_rate", "sub_total", "tax_total", "line_items", "notes", "terms"),
        sorts=("vendor_name", "purchaseorder_number", "date", "delivery_date", "total", "created_time", "last_modified_time"),
        default_sort="created_time", texts=("purchaseorder_number", "reference_number", "vendor_name"),
        exact=("vendor_id", "status"), statuses=("draft", "open", "billed", "cancelled"),
    ),
    "vendorpayments": PaperKind(
        "Payment", "vendorpayment", "payment_id", "vendorpayments", "vendor_payment", "Vendor Payments",
        row=(
            *_PARTY, "payment_number", "payment_mode", "description", "date", "reference_number", "exchange_rate", "amount",
            "paid_through_account_id", "paid_through_account_name", "balance",
        ),
        more=("currency_id", "bills"),
        sorts=("vendor_name", "date", "reference_number", "amount", "balance"), default_sort="date",
        texts=("vendor_name", "reference_number", "payment_number", "payment_mode", "description"), sums=("amount",),
        exact=("vendor_id",), all_filter="PaymentMode.All",
    ),
    "expenses": PaperKind(
        "Expense", "expense", "expense_id", "expenses", "expense", "Expenses",
        row=(
            "date", "account_name", "description", *_MONEY, "total", "is_billable", "reference_number", "customer_id",
            "customer_name", "status",
        ),
        more=("sub_total", "exchange_rate", "paid_through_account_name"),
        sorts=("date", "account_name", "total", "reference_number", "customer_name", "created_time"),
        default_sort="created_time", texts=("description", "reference_number", "account_name", "customer_name"),
        exact=("customer_id", "status"), statuses=("billable", "nonbillable", "reimbursed", "invoiced", "unbilled"),
        by_time=False,
    ),
    "journals": PaperKind(
        "Journal", "journal", "journal_id", "accountants", "journal", "Manual Journals",
        row=("journal_date", "entry_number", "reference_number", "currency_id", "notes", "journal_type", "total"),
        more=("currency_code", "exchange_rate", "status", "line_items"),
        sorts=("journal_date", "entry_number", "reference_number", "total", "last_modified_time"), default_sort="journal_date",
        texts=("entry_number", "reference_number", "notes"), days=("journal_date",), exact=("status",),
        all_filter="JournalDate.All", stamped=False,
    ),
    "chartofaccounts": PaperKind(
        "Account", "chart_of_account", "account_id", "accountants", "account", "Chart of Accounts",
        row=(
            "account_name", "account_code", "account_type", "is_active", "is_user_created", "is_system_account",
            "parent_account_id",
        ),
        more=("currency_id", "currency_code", "description"),
        sorts=("account_name", "account_type", "account_code"), default_sort="account_name",
        texts=("account_name", "account_code"), days=(), sums=(), all_filter="AccountType.All", bare=True,
    ),
}  # fmt: skip
