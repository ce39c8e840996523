"""Invoices, payments and credit notes, as stored. Records are replaced, never changed in place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from sandbox.zoho_books.custom_fields import no_values
from sandbox.zoho_books.money import NO_DISCOUNT, ZERO, Discount, TaxAmount
from sandbox.zoho_books.records import Address, Tagged


class Line(NamedTuple):
    """One line of an invoice or a credit note."""

    id: str
    item_id: str
    name: str
    description: str
    rate: Decimal
    quantity: Decimal
    unit: str = ""
    discount: Discount = NO_DISCOUNT
    tax_id: str = ""
    tax_exemption_id: str = ""
    tags: tuple[Tagged, ...] = ()


@dataclass(slots=True)
class Invoice:
    """An invoice. `status` is what the ledger knows; overdue comes from the calendar when it is read."""

    id: str
    number: str
    customer_id: str
    created: int
    modified: int
    currency_id: str
    exchange_rate: Decimal
    date: str
    due_date: str
    lines: tuple[Line, ...]
    sub_total: Decimal
    discount_total: Decimal
    tax_total: Decimal
    total: Decimal
    taxes: tuple[TaxAmount, ...] = ()
    status: str = "draft"
    payment_terms: int = 0
    payment_terms_label: str = "Due On Receipt"
    reference_number: str = ""
    discount: Discount = NO_DISCOUNT
    discount_type: str = "item_level"
    discount_before_tax: bool = True
    inclusive_tax: bool = False
    shipping: Decimal = ZERO
    shipping_tax_id: str = ""
    adjustment: Decimal = ZERO
    adjustment_description: str = "Adjustment"
    paid: Decimal = ZERO
    credited: Decimal = ZERO
    written_off: Decimal = ZERO
    withheld: Decimal = ZERO
    last_payment_date: str = ""
    billing: Address | None = None
    shipping_address: Address | None = None
    person_ids: tuple[str, ...] = ()
    notes: str = ""
    terms: str = ""
    salesperson: str = ""
    emailed: bool = False
    custom: Mapping[str, str] = field(default_factory=no_values)
    tags: tuple[Tagged, ...] = ()
    crm_deal_id: str = ""

    @property
    def balance(self) -> Decimal:
        return self.total - self.paid - self.credited - self.written_off - self.withheld

    @property
    def in_ledger(self) -> bool:
        return self.status not in ("draft", "void")


class Allocation(NamedTuple):
    """A part of a payment or a credit note that settles an invoice."""

    id: str
    invoice_id: str
    amount: Decimal
    date: str
    withheld: Decimal = ZERO


class Refund(NamedTuple):
    """Money given back: of a payment, or of a credit note."""

    id: str
    amount: Decimal
    date: str
    mode: str = ""
    reference_number: str = ""
    description: str = ""


@dataclass(slots=True)
class Payment:
    """Money received from a customer."""

    id: str
    number: str
    customer_id: str
    created: int
    modified: int
    currency_id: str
    exchange_rate: Decimal
    date: str
    mode: str
    amount: Decimal
    allocations: tuple[Allocation, ...] = ()
    refunds: tuple[Refund, ...] = ()
    reference_number: str = ""
    description: str = ""
    bank_charges: Decimal = ZERO
    account_id: str = ""
    custom: Mapping[str, str] = field(default_factory=no_values)

    @property
    def refunded(self) -> Decimal:
        return sum((refund.amount for refund in self.refunds), ZERO)

    @property
    def unused(self) -> Decimal:
        return self.amount - self.refunded - sum((part.amount for part in self.allocations), ZERO)


@dataclass(slots=True)
class CreditNote:
    """A credit a customer can set against invoices."""

    id: str
    number: str
    customer_id: str
    created: int
    modified: int
    currency_id: str
    exchange_rate: Decimal
    date: str
    lines: tuple[Line, ...]
    sub_total: Decimal
    tax_total: Decimal
    total: Decimal
    taxes: tuple[TaxAmount, ...] = ()
    status: str = "open"
    reference_number: str = ""
    inclusive_tax: bool = False
    notes: str = ""
    terms: str = ""
    allocations: tuple[Allocation, ...] = ()
    refunds: tuple[Refund, ...] = ()
    custom: Mapping[str, str] = field(default_factory=no_values)

    @property
    def refunded(self) -> Decimal:
        return sum((refund.amount for refund in self.refunds), ZERO)

    @property
    def balance(self) -> Decimal:
        if self.status in ("draft", "void"):
            return self.total
        return self.total - self.refunded - sum((part.amount for part in self.allocations), ZERO)
