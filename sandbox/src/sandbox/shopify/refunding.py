"""Taking back: goods, shipping, duties, and money; the two need not agree."""

from __future__ import annotations

from decimal import Decimal

from sandbox.shopify.call import Call, Document, Refusal, number_of
from sandbox.shopify.money import ZERO, Bag, total
from sandbox.shopify.movements import (
    OrderAdjustment,
    Refund,
    RefundDuty,
    RefundLineItem,
    RefundShippingLine,
    Transaction,
)
from sandbox.shopify.order import Order
from sandbox.shopify.parts import LineItem


def refunded(call: Call, order: Order, given: Document) -> Refund:
    """The refund, stored with its order; raises Refusal before anything is changed."""
    refund = Refund(call.shop.new_id(), order, call.now, given.get("processed_at") or call.now, given.get("note"))
    for one in given.get("refund_line_items") or ():
        refund.refund_line_items.append(line_back(call, order, refund, one))
    refund.refund_shipping_lines = shipping_back(call, order, given.get("shipping") or {})
    refund.duties = duties_back(order, given.get("refund_duties") or [])
    refund.transactions = money_back(call, order, given)
    adjust(call, refund, given)
    for row in refund.refund_line_items:
        row.line_item.removed += row.quantity
    order.returned.append(refund)
    order.payments += refund.transactions
    order.stamps.touch(call.now)
    return refund


def line_back(call: Call, order: Order, refund: Refund, given: Document) -> RefundLineItem:
    number = number_of(given["line_item_id"], "LineItem")
    line = next((one for one in order.line_items if one.number == number), None)
    if line is None:
        raise Refusal("Line item does not exist", "refundLineItems", "lineItemId")
    already = sum(row.quantity for row in refund.refund_line_items if row.line_item is line)
    if not 0 < given["quantity"] <= line.refundable_quantity - already:
        raise Refusal("Quantity cannot refund more items than were purchased", "refundLineItems", "quantity")
    gone = line.removed + already
    return RefundLineItem(
        call.shop.new_id(),
        line,
        given["quantity"],
        line.discounted_unit_price_after_all_discounts_set,
        part(line.net_set, gone, given["quantity"], line),
        part(line.tax_set, gone, given["quantity"], line),
        given.get("restock_type") or "NO_RESTOCK",
    )


def part(whole: Bag, gone: int, many: int, line: LineItem) -> Bag:
    """The worth of some pieces: what all up to them are worth, less those gone before, so that no cent is left over."""
    upto = whole.times(Decimal(gone + many) / line.quantity).settled()
    return upto - whole.times(Decimal(gone) / line.quantity).settled()


def shipping_back(call: Call, order: Order, given: Document) -> list[RefundShippingLine]:
    line = order.shipping_line
    if line is None or not (given.get("full_refund") or given.get("amount")):
        return []
    left = order.current_shipping_price_set
    back = left if given.get("full_refund") else order.currencies.bag(shown=given["amount"])
    if back.presentment > left.presentment:
        raise Refusal("Shipping amount is more than what is left of it", "shipping", "amount")
    whole = line.discounted_price_set.presentment
    tax = line.tax_set.times(back.presentment / whole).settled() if whole else order.zero
    return [RefundShippingLine(call.shop.new_id(), line, back, tax)]


def duties_back(order: Order, given: list[Document]) -> list[RefundDuty]:
    wanted = {number_of(one["duty_id"], "Duty") for one in given}
    return [RefundDuty(duty, duty.price) for duty in order.duties if duty.number in wanted]


def money_back(call: Call, order: Order, given: Document) -> list[Transaction]:
    made = []
    for one in given.get("transactions") or ():
        sale = next((row for row in order.payments if row.took and row.gateway == one["gateway"]), None)
        amount = order.currencies.bag(shown=one["amount"])
        made.append(
            Transaction(
                call.shop.new_id(),
                "REFUND",
                one.get("status") or "SUCCESS",
                one["gateway"],
                amount,
                call.now,
                call.now,
                order.test,
                sale,
            )
        )
    back = total((one.amount_set for one in made), order.zero)
    if back.presentment > order.net_payment_set.presentment and not given.get("allow_over_refunding"):
        raise Refusal("Amount cannot refund more than was received", "transactions", "amount")
    return made


def adjust(call: Call, refund: Refund, given: Document) -> None:
    """Money that is more or less than the goods leaves an adjustment; a refund without money leaves none."""
    paid = total((one.amount_set for one in refund.transactions), refund.order.zero)
    goods = refund.goods_set
    gap = goods - paid
    if refund.transactions and gap and gap.presentment != ZERO:
        reason = given.get("discrepancy_reason") or "REFUND_DISCREPANCY"
        refund.order_adjustments.append(
            OrderAdjustment(call.shop.new_id(), gap, gap.zero, "REFUND_DISCREPANCY" if reason == "OTHER" else reason)
        )
