"""What becomes of an order after it was placed: edited words, payment, cancellation, deletion."""

from __future__ import annotations

from sandbox.shopify import telling
from sandbox.shopify.addresses import address_of
from sandbox.shopify.call import Call, Document
from sandbox.shopify.order import Order
from sandbox.shopify.parts import Attribute
from sandbox.shopify.refunding import refunded
from sandbox.shopify.selling import paid

WORDS = ("email", "phone", "note", "po_number")


def reworded(call: Call, order: Order, given: Document) -> bool:
    """The fields of the input that are there; whether anything changed."""
    before = [getattr(order, name) for name in WORDS], list(order.tags), order.shipping_address
    for name in WORDS:
        if name in given:
            setattr(order, name, given[name])
    if "tags" in given:
        order.tags = sorted(given["tags"] or ())
    if given.get("shipping_address"):
        order.shipping_address = address_of(call, given["shipping_address"])
    if "custom_attributes" in given:
        order.custom_attributes = [Attribute(one["key"], one["value"]) for one in given["custom_attributes"] or ()]
    return before != ([getattr(order, name) for name in WORDS], order.tags, order.shipping_address)


def marked_paid(call: Call, order: Order, gateway: str = "manual") -> bool:
    made = paid(call, order, gateway)
    if made is None:
        return False
    telling.order_changed(call, order, "ORDERS_PAID")
    telling.transactions(call, order)
    telling.purchases(call, order)
    return True


def cancelled(call: Call, order: Order, reason: str, *, refund: bool, restock: bool) -> None:
    """Cancelled, and what was paid given back when that is asked for."""
    order.cancelled_at, order.cancel_reason = call.now, reason
    lines = [
        {
            "line_item_id": line.id,
            "quantity": line.current_quantity,
            "restock_type": "CANCEL" if restock else "NO_RESTOCK",
        }
        for line in order.line_items
        if line.current_quantity
    ]
    back: Document = {"refund_line_items": lines, "shipping": {"full_refund": True}}
    back["refund_duties"] = [{"duty_id": duty.id} for duty in order.duties]
    if refund and order.net_payment_set:
        gateway = next(one.gateway for one in order.payments if one.took)
        back["transactions"] = [{"amount": order.net_payment_set.presentment, "gateway": gateway}]
        back["allow_over_refunding"] = True
    made = refunded(call, order, back)
    telling.order_refunded(call, order, made)
    telling.order_changed(call, order, "ORDERS_CANCELLED")


def deleted(call: Call, order: Order) -> None:
    del call.shop.orders[order.legacy_resource_id]
    call.shop.deleted.append(order.id)
    call.note("order", order.legacy_resource_id, "delete")
    call.tell("ORDERS_DELETE", {"id": order.legacy_resource_id})
