"""What moves money after the sale: transactions and refunds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from sandbox.shopify.money import Bag, total
from sandbox.shopify.parts import Duty, LineItem, ShippingLine, gid


class Sale(Protocol):
    """What a refund has to know of its order."""

    @property
    def id(self) -> str: ...

    @property
    def zero(self) -> Bag: ...

    legacy_resource_id: int
    taxes_included: bool


@dataclass(slots=True)
class Transaction:
    """One try to move money; only a success moved it."""

    number: int
    kind: str
    status: str
    gateway: str
    amount_set: Bag
    created_at: datetime
    processed_at: datetime
    test: bool = False
    parent_transaction: Transaction | None = None
    payment_id: str | None = None
    error_code: str | None = None
    amount_rounding_set: Bag | None = None

    @property
    def id(self) -> str:
        return gid("OrderTransaction", self.number)

    @property
    def formatted_gateway(self) -> str:
        return self.gateway.replace("_", " ").title()

    @property
    def manual_payment_gateway(self) -> bool:
        return self.gateway in ("manual", "cash", "bank_transfer")

    @property
    def took(self) -> bool:
        """Whether it brought money."""
        return self.status == "SUCCESS" and self.kind in ("SALE", "CAPTURE")


@dataclass(slots=True)
class RefundLineItem:
    """How many of a line came back, and what they were worth."""

    number: int
    line_item: LineItem
    quantity: int
    price_set: Bag
    subtotal_set: Bag
    total_tax_set: Bag
    restock_type: str

    @property
    def id(self) -> str:
        return gid("RefundLineItem", self.number)

    @property
    def restocked(self) -> bool:
        return self.restock_type != "NO_RESTOCK"


@dataclass(slots=True)
class RefundShippingLine:
    """What of the shipping came back."""

    number: int
    shipping_line: ShippingLine
    subtotal_amount_set: Bag
    tax_amount_set: Bag

    @property
    def id(self) -> str:
        return gid("RefundShippingLine", self.number)


@dataclass(slots=True)
class OrderAdjustment:
    """The difference between what came back in goods and in money."""

    number: int
    amount_set: Bag
    tax_amount_set: Bag
    reason: str

    @property
    def id(self) -> str:
        return gid("OrderAdjustment", self.number)


@dataclass(slots=True)
class RefundDuty:
    """A duty given back."""

    original_duty: Duty
    amount_set: Bag


@dataclass(slots=True)
class Refund:
    """One act of taking back: goods, money, or both."""

    number: int
    order: Sale
    created_at: datetime
    processed_at: datetime
    note: str | None
    refund_line_items: list[RefundLineItem] = field(default_factory=list)
    refund_shipping_lines: list[RefundShippingLine] = field(default_factory=list)
    order_adjustments: list[OrderAdjustment] = field(default_factory=list)
    duties: list[RefundDuty] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)

    @property
    def id(self) -> str:
        return gid("Refund", self.number)

    @property
    def legacy_resource_id(self) -> int:
        return self.number

    @property
    def updated_at(self) -> datetime:
        return self.created_at

    @property
    def total_refunded_set(self) -> Bag:
        given = (one.amount_set for one in self.transactions if one.status == "SUCCESS")
        return total(given, self.order.zero)

    @property
    def goods_set(self) -> Bag:
        """What the order is worth less: goods, shipping and duties, with their tax where it comes on top."""
        included, zero = self.order.taxes_included, self.order.zero
        lines = (
            one.subtotal_set if included else one.subtotal_set + one.total_tax_set for one in self.refund_line_items
        )
        sent = (
            one.subtotal_amount_set if included else one.subtotal_amount_set + one.tax_amount_set
            for one in self.refund_shipping_lines
        )
        return total(lines, zero) + total(sent, zero) + total((one.amount_set for one in self.duties), zero)

    @property
    def tax_set(self) -> Bag:
        zero = self.order.zero
        return total((one.total_tax_set for one in self.refund_line_items), zero) + total(
            (one.tax_amount_set for one in self.refund_shipping_lines), zero
        )
