"""The neutral vocabulary: what a customer, an invoice, a payment, an order, a subscription is to every vendor alike.

Field names are well known (`email`, `billing.city`, `lines[].sku`); what has no neutral home goes under `custom`. Amounts are decimal
strings, times ISO 8601 with offset. Absent and empty differ: `None` in a record that covers a field means that it has no value.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import AwareDatetime

from common.contracts.ledger_records import (
    Expense,
    JournalEntry,
    LedgerAccount,
    SalesDocument,
    SoldItem,
    SupplierPayment,
    TradeDocument,
)
from common.contracts.neutral import Address, Amount, DocumentLine, Neutral
from common.contracts.orders import Order
from common.contracts.sales_records import ContactPerson, Deal, Person


class Customer(Neutral):
    """Somebody we sell to."""

    id: str | None = None
    """As the programs of where it is kept name it."""
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    email: str | None = None
    phone: str | None = None
    mobile: str | None = None
    website: str | None = None
    kind: Literal["business", "individual"] | None = None
    status: Literal["active", "inactive"] | None = None
    currency: str | None = None
    outstanding: Amount | None = None
    billing: Address | None = None
    shipping: Address | None = None
    tags: tuple[str, ...] | None = None
    persons: tuple[ContactPerson, ...] | None = None
    """Those who are written to there."""
    kept_by_own_sync: bool | None = None
    """Its vendor's own sync keeps it in step with a CRM, where these are its records."""
    crm_account_id: str | None = None
    crm_contact_id: str | None = None
    level: int | None = None
    """How deep it is under other customers, where these are under one another; nought for whom is under nobody."""
    notes: str | None = None
    """What people have written of it: no mapping reads it, whoever writes lines of ours into it does."""
    custom: dict[str, str | None] | None = None
    created_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None


class Invoice(Neutral):
    """What a customer owes for."""

    id: str | None = None
    """As the books' programs name it."""
    number: str | None = None
    customer_id: str
    status: Literal["draft", "sent", "unpaid", "overdue", "partially_paid", "paid", "void"] | None = None
    currency: str | None = None
    exchange_rate: Amount | None = None
    issued_on: date | None = None
    due_on: date | None = None
    subtotal: Amount | None = None
    tax: Amount | None = None
    shipping: Amount | None = None
    discount: Amount | None = None
    adjustment: Amount | None = None
    total: Amount | None = None
    balance: Amount | None = None
    lines: tuple[DocumentLine, ...] | None = None
    deal_id: str | None = None
    """What it was sold by, as the system that keeps deals names it."""
    custom: dict[str, str | None] | None = None
    updated_at: AwareDatetime | None = None


class Payment(Neutral):
    """Money received, and the invoices it pays."""

    customer_id: str
    amount: Amount
    currency: str | None = None
    paid_on: date | None = None
    method: str | None = None
    reference: str | None = None
    invoices: dict[str, Amount] | None = None
    custom: dict[str, str | None] | None = None
    updated_at: AwareDatetime | None = None


class Subscription(Neutral):
    """What somebody agreed to receive: consent as the system that keeps it tells it."""

    email: str
    status: Literal["subscribed", "unsubscribed", "cleaned", "pending", "transactional", "archived"] | None = None
    reason: str | None = None
    previous_email: str | None = None
    happened_at: datetime | None = None
    open_rate: str | None = None
    click_rate: str | None = None
    custom: dict[str, str | None] | None = None


RECORDS: dict[str, type[Neutral]] = {
    "customer": Customer,
    "invoice": Invoice,
    "payment": Payment,
    "order": Order,
    "subscription": Subscription,
    "supplier": Customer,
    "bill": TradeDocument,
    "purchase_order": TradeDocument,
    "credit_note": TradeDocument,
    "supplier_payment": SupplierPayment,
    "expense": Expense,
    "item": SoldItem,
    "account": LedgerAccount,
    "journal": JournalEntry,
    "person": Person,
    "lead": Person,
    "deal": Deal,
    "quote": TradeDocument,
    "sales_order": TradeDocument,
    "sales_invoice": SalesDocument,
}
