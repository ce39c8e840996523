"""What a ledger holds besides customers, invoices and payments. Statuses and kinds are the vendor's own words: each country has others."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import AwareDatetime

from common.contracts.neutral import Amount, DocumentLine, Neutral


class TradeDocument(Neutral):
    """What was ordered, charged or credited between us and one supplier or customer: a bill, a purchase order, a credit note."""

    number: str | None = None
    supplier_id: str | None = None
    supplier: str | None = None
    customer_id: str | None = None
    customer: str | None = None
    status: str | None = None
    currency: str | None = None
    exchange_rate: Amount | None = None
    reference: str | None = None
    issued_on: date | None = None
    due_on: date | None = None
    subtotal: Amount | None = None
    tax: Amount | None = None
    total: Amount | None = None
    balance: Amount | None = None
    lines: tuple[DocumentLine, ...] | None = None
    custom: dict[str, str | None] | None = None
    created_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None


class SalesDocument(TradeDocument):
    """What somebody was charged, as those who sell keep it: to whom, where that is a person, and by which deal."""

    person_id: str | None = None
    person: str | None = None
    deal_id: str | None = None
    deal: str | None = None


class SupplierPayment(Neutral):
    """Money that we paid, and the bills that it pays."""

    number: str | None = None
    supplier_id: str | None = None
    supplier: str | None = None
    amount: Amount | None = None
    unused: Amount | None = None
    exchange_rate: Amount | None = None
    paid_on: date | None = None
    paid_through: str | None = None
    method: str | None = None
    reference: str | None = None
    description: str | None = None
    bills: dict[str, Amount] | None = None
    custom: dict[str, str | None] | None = None
    created_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None


class Expense(Neutral):
    """Money that was spent without a bill."""

    account: str | None = None
    paid_through: str | None = None
    customer_id: str | None = None
    customer: str | None = None
    status: str | None = None
    currency: str | None = None
    exchange_rate: Amount | None = None
    reference: str | None = None
    description: str | None = None
    spent_on: date | None = None
    subtotal: Amount | None = None
    total: Amount | None = None
    billable: bool | None = None
    custom: dict[str, str | None] | None = None
    created_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None


class SoldItem(Neutral):
    """A good or a service, as it is sold."""

    name: str | None = None
    sku: str | None = None
    description: str | None = None
    status: str | None = None
    kind: str | None = None
    unit: str | None = None
    rate: Amount | None = None
    tax: str | None = None
    custom: dict[str, str | None] | None = None
    created_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None


class LedgerAccount(Neutral):
    """One account of the chart of accounts."""

    name: str | None = None
    code: str | None = None
    kind: str | None = None
    currency: str | None = None
    description: str | None = None
    active: bool | None = None
    parent_id: str | None = None
    custom: dict[str, str | None] | None = None
    created_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None


class JournalLine(Neutral):
    """What one account got or gave."""

    account: str | None = None
    side: Literal["debit", "credit"] | None = None
    amount: Amount
    description: str | None = None


class JournalEntry(Neutral):
    """A booking by hand."""

    number: str | None = None
    reference: str | None = None
    notes: str | None = None
    status: str | None = None
    currency: str | None = None
    exchange_rate: Amount | None = None
    booked_on: date | None = None
    total: Amount | None = None
    lines: tuple[JournalLine, ...] | None = None
    custom: dict[str, str | None] | None = None
    created_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None
