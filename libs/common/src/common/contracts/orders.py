"""What a customer bought in a shop, with the money that came and went for it: an order and its children are one record (R23).

Every amount is told twice, in the shop's currency and in that which the buyer paid in; each set adds up by itself and the two are never
mixed. `None` is what the shop does not tell: nobody has asked, or the person's particulars are withheld.
"""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from common.contracts.neutral import Address, Amount, Neutral


class OrderAmount(Neutral):
    """One amount in both currencies of an order: `Order.currency` and `Order.presentment_currency`."""

    shop: Amount
    presentment: Amount


class OrderTax(Neutral):
    """One tax, on a line or on the whole order. `rate` is a share: 0.19 is nineteen per cent."""

    title: str | None = None
    rate: Amount | None = None
    amount: OrderAmount
    channel_liable: bool | None = None
    """The marketplace owes and remits it, not the merchant."""


class OrderLine(Neutral):
    """One line as it was placed; `current_quantity` is what edits and refunds have left of it."""

    id: str
    sku: str | None = None
    title: str | None = None
    variant: str | None = None
    product_id: str | None = None
    variant_id: str | None = None
    quantity: int
    current_quantity: int | None = None
    price: OrderAmount
    """Of one unit, before discounts."""
    discounts: tuple[OrderAmount, ...] = ()
    """Every discount's share of this line, those of the whole order included. Whatever a shop calls the line's own total discount is not it."""
    taxes: tuple[OrderTax, ...] = ()
    duties: OrderAmount | None = None
    taxable: bool | None = None
    gift_card: bool | None = None
    requires_shipping: bool | None = None


class OrderShipping(Neutral):
    """One way of delivery that the buyer paid for."""

    id: str
    title: str | None = None
    code: str | None = None
    price: OrderAmount
    """Before discounts."""
    discounts: tuple[OrderAmount, ...] = ()
    taxes: tuple[OrderTax, ...] = ()
    removed: bool | None = None


class OrderTransaction(Neutral):
    """Money that moved, or was meant to, between the buyer and the shop."""

    id: str
    parent_id: str | None = None
    kind: Literal["authorization", "sale", "capture", "void", "refund", "change", "other"]
    status: Literal["success", "pending", "failure", "error", "unknown"]
    gateway: str | None = None
    amount: OrderAmount
    processed_at: AwareDatetime | None = None
    test: bool | None = None


class RefundLine(Neutral):
    """What of one line was taken back, and how much of it in money."""

    line_id: str
    quantity: int
    restock: str | None = None
    subtotal: OrderAmount
    tax: OrderAmount | None = None


class RefundShipping(Neutral):
    """What was given back for delivery."""

    shipping_id: str | None = None
    subtotal: OrderAmount
    tax: OrderAmount | None = None


class RefundAdjustment(Neutral):
    """What a refund gave beyond its lines, or kept back."""

    kind: str | None = None
    reason: str | None = None
    amount: OrderAmount
    tax: OrderAmount | None = None


class OrderRefund(Neutral):
    """One decision to give money back; the money itself is in its transactions, which may come later or never."""

    id: str
    created_at: AwareDatetime | None = None
    processed_at: AwareDatetime | None = None
    note: str | None = None
    lines: tuple[RefundLine, ...] = ()
    shipping: tuple[RefundShipping, ...] = ()
    adjustments: tuple[RefundAdjustment, ...] = ()
    duties: OrderAmount | None = None
    total: OrderAmount | None = None
    transactions: tuple[OrderTransaction, ...] = ()


class Order(Neutral):
    """What a customer bought in a shop. The sums are those of the order as it was placed; `current_*` what edits and refunds left."""

    id: str | None = None
    """As the shop's programs name it: what an invoice is found by."""
    number: str | None = None
    """As people read it: `#1071`."""
    customer_id: str | None = None
    email: str | None = None
    phone: str | None = None
    note: str | None = None
    currency: str | None = None
    presentment_currency: str | None = None
    placed_at: AwareDatetime | None = None
    cancelled_at: AwareDatetime | None = None
    cancel_reason: str | None = None
    closed_at: AwareDatetime | None = None
    financial_status: str | None = None
    fulfilment_status: str | None = None
    test: bool | None = None
    source_name: str | None = None
    """Where it was placed: `web`, `pos`, a channel's name."""
    taxes_included: bool | None = None
    """Prices, shipping and discounts contain the tax."""
    lines: tuple[OrderLine, ...] | None = None
    shipping_lines: tuple[OrderShipping, ...] | None = None
    taxes: tuple[OrderTax, ...] | None = None
    subtotal: OrderAmount | None = None
    """Of the lines after discounts."""
    discount: OrderAmount | None = None
    """All of them, those of shipping included."""
    shipping: OrderAmount | None = None
    """After discounts."""
    tax: OrderAmount | None = None
    duties: OrderAmount | None = None
    fees: OrderAmount | None = None
    tips: OrderAmount | None = None
    cash_rounding: OrderAmount | None = None
    """What was paid above the total because coins are no smaller; not in the total."""
    total: OrderAmount | None = None
    current_subtotal: OrderAmount | None = None
    current_tax: OrderAmount | None = None
    current_total: OrderAmount | None = None
    received: OrderAmount | None = None
    outstanding: OrderAmount | None = None
    refunded: OrderAmount | None = None
    transactions: tuple[OrderTransaction, ...] | None = None
    """All of them, a set by their ids; None: not asked for."""
    refunds: tuple[OrderRefund, ...] | None = None
    billing: Address | None = None
    delivery: Address | None = None
    custom: dict[str, str | None] | None = None
    updated_at: AwareDatetime | None = None
