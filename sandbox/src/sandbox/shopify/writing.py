"""The root fields that change something; what cannot be comes back as `userErrors`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.shopify import bulk_intake, customer_changes, drafting, order_changes, subscribing, telling
from sandbox.shopify.call import Call, Document, Refusal
from sandbox.shopify.refunding import refunded
from sandbox.shopify.selling import placed


def tried(change: Callable[[], Document], errors: str = "user_errors") -> Document:
    try:
        return {**change(), "user_errors": []}
    except Refusal as refusal:
        return {"user_errors": [], errors: [refusal.row()]}


class Mutations:
    """The root of every mutation; a method is a field."""

    # Orders

    def order_create(self, call: Call, *, order: Document, options: Document | None = None) -> Document:
        call.needs("write_orders", "orderCreate")

        def change() -> Document:
            made = placed(call, order)
            telling.order_created(call, made)
            return {"order": made}

        return tried(change)

    def order_update(self, call: Call, *, input: Document) -> Document:
        call.needs("write_orders", "orderUpdate")

        def change() -> Document:
            order = call.order(input["id"], "id")
            if order_changes.reworded(call, order, input):
                telling.order_changed(call, order)
            else:
                call.note("order", order.legacy_resource_id, "noop")
            return {"order": order}

        return tried(change)

    def order_mark_as_paid(self, call: Call, *, input: Document) -> Document:
        call.needs("write_orders", "orderMarkAsPaid")

        def change() -> Document:
            order = call.order(input["id"], "id")
            if not order_changes.marked_paid(call, order):
                raise Refusal("Order cannot be marked as paid.", "id")
            return {"order": order}

        return tried(change)

    def order_close(self, call: Call, *, input: Document) -> Document:
        call.needs("write_orders", "orderClose")

        def change() -> Document:
            order = call.order(input["id"], "id")
            order.closed_at = order.closed_at or call.now
            telling.order_changed(call, order)
            return {"order": order}

        return tried(change)

    def order_cancel(self, call: Call, *, order_id: str, reason: str, restock: bool, **more: Any) -> Document:
        call.needs("write_orders", "orderCancel")

        def change() -> Document:
            order = call.order(order_id, "orderId")
            if order.cancelled_at is not None:
                raise Refusal("Order has already been cancelled", "orderId", code="INVALID")
            back = bool(more.get("refund") or (more.get("refund_method") or {}).get("original_payment_methods_refund"))
            order_changes.cancelled(call, order, reason, refund=back, restock=restock)
            return {"job": {"id": f"gid://shopify/Job/{call.id}", "done": True}, "order_cancel_user_errors": []}

        return tried(change, "order_cancel_user_errors")

    def order_delete(self, call: Call, *, order_id: str) -> Document:
        call.needs("write_orders", "orderDelete")

        def change() -> Document:
            order = call.order(order_id, "orderId")
            order_changes.deleted(call, order)
            return {"deleted_id": order.id}

        return tried(change)

    def refund_create(self, call: Call, *, input: Document) -> Document:
        call.needs("write_orders", "refundCreate")

        def change() -> Document:
            order = call.order(input["order_id"], "orderId")
            refund = refunded(call, order, input)
            telling.order_refunded(call, order, refund)
            return {"refund": refund, "order": refund.order}

        return tried(change)

    def draft_order_create(self, call: Call, *, input: Document) -> Document:
        call.needs("write_draft_orders", "draftOrderCreate")
        return tried(lambda: {"draft_order": drafting.drafted(call, input)})

    def draft_order_complete(self, call: Call, *, id: str, payment_pending: bool = False) -> Document:
        call.needs("write_draft_orders", "draftOrderComplete")
        return tried(lambda: {"draft_order": drafting.completed(call, id, pending=payment_pending)})

    # Customers

    def customer_create(self, call: Call, *, input: Document) -> Document:
        call.needs("write_customers", "customerCreate")
        return tried(lambda: {"customer": customer_changes.created(call, input)})

    def customer_update(self, call: Call, *, input: Document) -> Document:
        call.needs("write_customers", "customerUpdate")
        return tried(
            lambda: {"customer": customer_changes.changed(call, call.customer(input.get("id") or "", "id"), input)}
        )

    def customer_delete(self, call: Call, *, input: Document) -> Document:
        call.needs("write_customers", "customerDelete")

        def change() -> Document:
            customer = call.customer(input["id"], "id")
            customer_changes.removed(call, customer)
            return {"deleted_customer_id": customer.id}

        return {"shop": call.shop, **tried(change)}

    # The application's own

    def webhook_subscription_create(self, call: Call, *, topic: str, webhook_subscription: Document) -> Document:
        return tried(lambda: {"webhook_subscription": subscribing.created(call, topic, webhook_subscription)})

    def webhook_subscription_update(self, call: Call, *, id: str, webhook_subscription: Document) -> Document:
        return tried(
            lambda: {"webhook_subscription": subscribing.changed(call, subscribing.own(call, id), webhook_subscription)}
        )

    def webhook_subscription_delete(self, call: Call, *, id: str) -> Document:
        return tried(lambda: {"deleted_webhook_subscription_id": subscribing.removed(call, id).id})

    def bulk_operation_run_query(self, call: Call, *, query: str, group_objects: bool = False) -> Document:
        return tried(lambda: {"bulk_operation": bulk_intake.begun(call, query, grouped=group_objects)})

    def bulk_operation_cancel(self, call: Call, *, id: str) -> Document:
        return tried(lambda: {"bulk_operation": bulk_intake.cancelled(call, id)})
