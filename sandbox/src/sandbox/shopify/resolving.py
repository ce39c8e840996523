"""How a field of the schema finds its value: by its name in snake case, a list inside a record by pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphql import GraphQLResolveInfo, get_named_type

from sandbox.shopify.call import Call
from sandbox.shopify.customer import Customer
from sandbox.shopify.paging import Edge, Ends, Keyed, Page, Rows, in_order, page
from sandbox.shopify.reading import Queries
from sandbox.shopify.schema import snake
from sandbox.shopify.writing import Mutations

PAGING = frozenset({"first", "last", "after", "before", "reverse", "query", "sort_key"})
# Level 2 of the vendor's protected data: names, addresses, phones, e-mail.
PERSONAL = frozenset(
    [
        "Customer.firstName",
        "Customer.lastName",
        "Customer.email",
        "Customer.phone",
        "Customer.defaultAddress",
        "Customer.defaultEmailAddress",
        "Customer.defaultPhoneNumber",
        "Order.email",
        "Order.phone",
        "Order.billingAddress",
        "Order.shippingAddress",
        "MailingAddress.name",
        "MailingAddress.firstName",
        "MailingAddress.lastName",
        "MailingAddress.address1",
        "MailingAddress.address2",
        "MailingAddress.city",
        "MailingAddress.zip",
        "MailingAddress.phone",
        "MailingAddress.company",
        "DraftOrder.email",
    ]
)
EMPTY_INSTEAD = frozenset({"Customer.displayName"})
# What a record cannot say without its shop.
OF_SHOP: dict[str, Callable[[Call, Customer], Any]] = {
    "Customer.numberOfOrders": lambda call, one: len(call.shop.orders_of(one)),
    "Customer.amountSpent": lambda call, one: call.shop.spent(one),
    "Customer.lastOrder": lambda call, one: next(reversed(call.shop.orders_of(one)), None),
    "Customer.orders": lambda call, one: [order for order in call.shop.orders_of(one) if call.shows(order)],
}
SCOPED = {"Order.customer": "read_customers", "Customer.orders": "read_orders", "Customer.lastOrder": "read_orders"}


class Reader:
    """The resolver of every field; `whole` answers lists entire, as a bulk operation reads them."""

    def __init__(self, *, whole: bool = False) -> None:
        self._whole = whole

    def resolve(self, source: Any, info: GraphQLResolveInfo[Call], **args: Any) -> Any:
        call: Call = info.context
        place = f"{info.parent_type.name}.{info.field_name}"
        if place in SCOPED:
            call.needs(SCOPED[place], info.field_name)
        if not call.sees_persons and (place in PERSONAL or place in EMPTY_INSTEAD):
            return "" if place in EMPTY_INSTEAD else None
        value = self._value(call, source, place, args)
        if get_named_type(info.return_type).name.endswith("Connection"):
            rows = value.keyed if isinstance(value, Rows) else in_order(value)
            return entire(rows) if self._whole else page(rows, args)
        return value

    def _value(self, call: Call, source: Any, place: str, args: dict[str, Any]) -> Any:
        if place in OF_SHOP:
            return OF_SHOP[place](call, source)
        name = snake(place.partition(".")[2])
        if isinstance(source, Queries | Mutations):
            return getattr(source, name)(call, **args)
        if isinstance(source, dict):
            return source.get(name)
        value = getattr(source, name)
        return value(**self._own(value, args)) if callable(value) else value

    @staticmethod
    def _own(method: Any, args: dict[str, Any]) -> dict[str, Any]:
        """Of the arguments those that the record knows; pages are made of what it returns."""
        names = method.__func__.__kwdefaults__ or {}
        return {name: value for name, value in args.items() if name in names or name not in PAGING}


def entire(rows: Keyed) -> Page:
    edges = [Edge("", row) for _, row in rows]
    return Page(edges, Ends(None, None, has_next_page=False, has_previous_page=False))
