"""What we listen to, and of which record each topic tells (sheet, section 3.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class HookTopic:
    """One topic: its name in the API, the record it is about, and what a body of it has and lacks."""

    api_name: str
    entity: str = ""
    id_name: str = "id"
    has: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    inside: str = ""
    """Where in the body the id stands."""
    whole: bool = False
    """The body is the whole record; else the record has to be read."""
    gone: bool = False

    def has_form(self, body: Mapping[str, Any]) -> bool:
        return all(name in body for name in self.has) and not any(name in body for name in self.lacks)


_ORDER, _CUSTOMER = ("id", "line_items", "total_price_set"), ("id", "verified_email")
TOPICS: Mapping[str, HookTopic] = {
    "orders/create": HookTopic("ORDERS_CREATE", "order", has=_ORDER, whole=True),
    "orders/updated": HookTopic("ORDERS_UPDATED", "order", has=_ORDER, whole=True),
    "orders/paid": HookTopic("ORDERS_PAID", "order", has=_ORDER, whole=True),
    "orders/cancelled": HookTopic("ORDERS_CANCELLED", "order", has=_ORDER, whole=True),
    "orders/edited": HookTopic("ORDERS_EDITED", "order", "order_id", ("order_edit",), inside="order_edit"),
    "orders/delete": HookTopic(
        "ORDERS_DELETE", "order", has=("id",), lacks=("line_items", "verified_email"), gone=True
    ),
    "refunds/create": HookTopic("REFUNDS_CREATE", "order", "order_id", ("order_id", "refund_line_items")),
    "fulfillments/create": HookTopic(
        "FULFILLMENTS_CREATE", "order", "order_id", ("order_id", "status"), ("refund_line_items",)
    ),
    "fulfillments/update": HookTopic(
        "FULFILLMENTS_UPDATE", "order", "order_id", ("order_id", "status"), ("refund_line_items",)
    ),
    "customers/create": HookTopic("CUSTOMERS_CREATE", "customer", has=_CUSTOMER, lacks=("line_items",), whole=True),
    "customers/update": HookTopic("CUSTOMERS_UPDATE", "customer", has=_CUSTOMER, lacks=("line_items",), whole=True),
    "customers/delete": HookTopic(
        "CUSTOMERS_DELETE", "customer", has=("id",), lacks=("line_items", "verified_email"), gone=True
    ),
}
"""By the name that deliveries carry in their header."""

UNINSTALLED = HookTopic("APP_UNINSTALLED", has=("id", "myshopify_domain"), lacks=("line_items", "verified_email"))
PRIVACY: Mapping[str, HookTopic] = {
    "customers/data_request": HookTopic("", has=("shop_domain", "customer", "orders_requested")),
    "customers/redact": HookTopic("", has=("shop_domain", "customer", "orders_to_redact")),
    "shop/redact": HookTopic("", has=("shop_domain", "shop_id"), lacks=("customer", "id")),
}
"""Come to an address in the application's own settings; no subscription can ask for them."""
ALL_TOPICS: Mapping[str, HookTopic] = {**TOPICS, "app/uninstalled": UNINSTALLED, **PRIVACY}
SUBSCRIBED: Mapping[str, HookTopic] = {**TOPICS, "app/uninstalled": UNINSTALLED}
