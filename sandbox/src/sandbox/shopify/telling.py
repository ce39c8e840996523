"""Which topics hear of what happened to an order or a customer."""

from __future__ import annotations

from sandbox.shopify import bodies, order_body
from sandbox.shopify.call import Call
from sandbox.shopify.customer import Customer
from sandbox.shopify.movements import Refund
from sandbox.shopify.order import Order

PAID = frozenset({"PAID"})


def order_created(call: Call, order: Order) -> None:
    call.note("order", order.legacy_resource_id, "create")
    call.tell("ORDERS_CREATE", order_body.order(order))
    if order.payments:
        transactions(call, order)
    if order.display_financial_status in PAID:
        call.tell("ORDERS_PAID", order_body.order(order))
    purchases(call, order)


def order_changed(call: Call, order: Order, *topics: str) -> None:
    """The order's stamp moves, and with the named topics it is always `orders/updated` too."""
    order.stamps.touch(call.now)
    call.note("order", order.legacy_resource_id, "update")
    for topic in (*topics, "ORDERS_UPDATED"):
        call.tell(topic, order_body.order(order))


def transactions(call: Call, order: Order) -> None:
    for one in order.payments:
        call.tell("ORDER_TRANSACTIONS_CREATE", bodies.transaction(one, order))


def order_refunded(call: Call, order: Order, refund: Refund) -> None:
    call.note("refund", refund.number, "create")
    call.tell("REFUNDS_CREATE", bodies.refund(refund))
    order_changed(call, order)


def order_edited(call: Call, order: Order) -> None:
    """`orders/edited` tells of the edit and not of the order."""
    body = {
        "order_edit": {
            "id": call.shop.new_id(),
            "app_id": None,
            "order_id": order.legacy_resource_id,
            "notify_customer": False,
        }
    }
    call.tell("ORDERS_EDITED", body)
    order_changed(call, order)


def purchases(call: Call, order: Order) -> None:
    """A body of its own making: in camel case, as the vendor sends it."""
    if order.customer is None:
        return
    spent = call.shop.spent(order.customer)
    call.tell(
        "CUSTOMERS_PURCHASING_SUMMARY",
        {
            "customerId": order.customer.id,
            "amountSpent": {"amount": spent.amount, "currencyCode": spent.currency_code},
            "numberOfOrders": len(call.shop.orders_of(order.customer)),
            "lastOrderId": order.id,
            "occurredAt": bodies.moment(call.now),
        },
    )


def customer_created(call: Call, customer: Customer) -> None:
    call.note("customer", customer.legacy_resource_id, "create")
    call.tell("CUSTOMERS_CREATE", bodies.customer(customer, call.shop.currency_code))


def customer_changed(call: Call, customer: Customer) -> None:
    customer.stamps.touch(call.now)
    call.note("customer", customer.legacy_resource_id, "update")
    call.tell("CUSTOMERS_UPDATE", bodies.customer(customer, call.shop.currency_code))


def customer_deleted(call: Call, customer: Customer) -> None:
    call.note("customer", customer.legacy_resource_id, "delete")
    body = {
        "id": customer.legacy_resource_id,
        "admin_graphql_api_id": customer.id,
        "tax_exemptions": customer.tax_exemptions,
    }
    call.tell("CUSTOMERS_DELETE", body)
