"""The root fields that read, and how each list is filtered and sorted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from sandbox.shopify import versions
from sandbox.shopify.apps import App
from sandbox.shopify.bulk import BulkOperation
from sandbox.shopify.call import Call, Document, Refusal, number_of
from sandbox.shopify.customer import Customer
from sandbox.shopify.draft import Draft
from sandbox.shopify.movements import Refund
from sandbox.shopify.order import Order
from sandbox.shopify.paging import Keyed, Rows
from sandbox.shopify.parts import gid
from sandbox.shopify.search import Read, Term, matcher
from sandbox.shopify.shop import Shop
from sandbox.shopify.subscription import Subscription
from sandbox.shopify.versions import Version

Found = TypeVar("Found")
ORDER_FILTERS: dict[str, Read] = {
    "id": lambda one: one.legacy_resource_id,
    "name": lambda one: one.name,
    "created_at": lambda one: one.created_at,
    "processed_at": lambda one: one.processed_at,
    "financial_status": lambda one: one.display_financial_status,
    "fulfillment_status": lambda one: one.display_fulfillment_status,
    "status": lambda one: [
        "any",
        "cancelled" if one.cancelled_at else "closed" if one.closed else "open",
        *([] if one.closed else ["not_closed"]),
    ],
    "test": lambda one: str(one.test),
    "email": lambda one: one.email,
    "tag": lambda one: one.tags,
    "customer_id": lambda one: one.customer.legacy_resource_id if one.customer else None,
    "sku": lambda one: [line.sku for line in one.line_items],
    "source_identifier": lambda one: one.source_identifier,
}
CUSTOMER_FILTERS: dict[str, Read] = {
    "id": lambda one: one.legacy_resource_id,
    "customer_date": lambda one: one.created_at,
    "first_name": lambda one: one.first_name,
    "last_name": lambda one: one.last_name,
    "email": lambda one: one.email,
    "phone": lambda one: one.phone,
    "tag": lambda one: one.tags,
    "state": lambda one: one.state,
}


@dataclass(frozen=True, slots=True)
class Installation:
    """The application as this shop installed it."""

    app: Any
    access_scopes: list[Any]
    id = gid("AppInstallation", 1)


@dataclass(frozen=True, slots=True)
class Scope:
    """One thing an application may do."""

    handle: str

    @property
    def description(self) -> str:
        return self.handle.replace("_", " ")


@dataclass(frozen=True, slots=True)
class ShownApp:
    """The application as the API tells of it."""

    api_key: str
    title: str
    id = gid("App", 1)
    handle = "app"


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are, up to a limit."""

    count: int
    precision: str


class Queries:
    """The root of every query; a method is a field."""

    def orders(self, call: Call, **args: Any) -> Rows:
        call.needs("read_orders", "orders")
        return Rows(self._orders(call, args))

    def orders_count(self, call: Call, *, query: str | None = None, limit: int | None = None) -> Count:
        call.needs("read_orders", "ordersCount")
        return counted(len(self._orders(call, {"query": query})), limit)

    def _orders(self, call: Call, args: Document) -> Keyed:
        rows = [order for order in call.shop.orders.values() if call.shows(order)]
        return found(call, rows, args, ORDER_FILTERS, lambda one: f"{one.name} {one.email or ''}", days=False)

    def order(self, call: Call, *, id: str) -> Order | None:
        call.needs("read_orders", "order")
        return or_none(lambda: call.order(id))

    def order_by_identifier(self, call: Call, *, identifier: Document) -> Order | None:
        return self.order(call, id=identifier.get("id") or "")

    def refund(self, call: Call, *, id: str) -> Refund | None:
        call.needs("read_orders", "refund")
        wanted = number_of(id, "Refund")
        rows = (row for order in call.shop.orders.values() if call.shows(order) for row in order.returned)
        return next((row for row in rows if row.number == wanted), None)

    def customers(self, call: Call, **args: Any) -> Rows:
        call.needs("read_customers", "customers")
        return Rows(self._customers(call, args))

    def customers_count(self, call: Call, *, query: str | None = None, limit: int | None = None) -> Count:
        call.needs("read_customers", "customersCount")
        return counted(len(self._customers(call, {"query": query})), limit)

    def _customers(self, call: Call, args: Document) -> Keyed:
        rows = list(call.shop.customers.values())
        return found(call, rows, args, CUSTOMER_FILTERS, lambda one: f"{one.display_name} {one.email or ''}", days=True)

    def customer(self, call: Call, *, id: str) -> Customer | None:
        call.needs("read_customers", "customer")
        return or_none(lambda: call.customer(id))

    def customer_by_identifier(self, call: Call, *, identifier: Document) -> Customer | None:
        call.needs("read_customers", "customerByIdentifier")
        if identifier.get("id"):
            return self.customer(call, id=identifier["id"])
        if phone := identifier.get("phone_number"):
            return call.shop.find_customer(lambda one: one.phone == phone)
        return call.shop.by_email(identifier.get("email_address"))

    def draft_orders(self, call: Call, **args: Any) -> Rows:
        call.needs("read_draft_orders", "draftOrders")
        rows = list(call.shop.drafts.values())
        return Rows(found(call, rows, args, {"status": lambda one: one.status}, lambda one: one.name, days=False))

    def draft_order(self, call: Call, *, id: str) -> Draft | None:
        call.needs("read_draft_orders", "draftOrder")
        return call.shop.drafts.get(number_of(id, "DraftOrder"))

    def node(self, call: Call, *, id: str) -> Any:
        """Of the records that have a list; what lies inside them is not looked for."""
        kind = id.removeprefix("gid://shopify/").partition("/")[0]
        reads: dict[str, Callable[[], Any]] = {
            "Order": lambda: self.order(call, id=id),
            "Customer": lambda: self.customer(call, id=id),
            "Refund": lambda: self.refund(call, id=id),
            "DraftOrder": lambda: self.draft_order(call, id=id),
            "WebhookSubscription": lambda: self.webhook_subscription(call, id=id),
            "BulkOperation": lambda: self.bulk_operation(call, id=id),
        }
        return reads[kind]() if kind in reads else None

    def nodes(self, call: Call, *, ids: list[str]) -> list[Any]:
        return [self.node(call, id=one) for one in ids]

    # The application's own

    def webhook_subscriptions(self, call: Call, **args: Any) -> Rows:
        rows = [one for one in call.shop.hooks.values() if one.app == call.caller.app.key]
        topics, uri = args.get("topics"), args.get("uri")
        rows = [one for one in rows if not topics or one.topic in topics]
        return Rows([((one.legacy_resource_id,), one) for one in rows if uri in (None, one.uri)])

    def webhook_subscription(self, call: Call, *, id: str) -> Subscription | None:
        hook = call.shop.hooks.get(number_of(id, "WebhookSubscription"))
        return hook if hook is not None and hook.app == call.caller.app.key else None

    def bulk_operation(self, call: Call, *, id: str) -> BulkOperation | None:
        operation = call.shop.bulk.get(number_of(id, "BulkOperation"))
        return operation if operation is not None and operation.app == call.caller.app.key else None

    def bulk_operations(self, call: Call, **args: Any) -> Rows:
        rows = [one for one in call.shop.bulk.values() if one.app == call.caller.app.key]
        return Rows([((one.number,), one) for one in rows])

    def current_bulk_operation(self, call: Call, *, type: str = "QUERY") -> BulkOperation | None:
        rows = [one for one in call.shop.bulk.values() if one.app == call.caller.app.key and one.type == type]
        return rows[-1] if rows else None

    def public_api_versions(self, call: Call) -> list[Version]:
        return versions.listed(call.now)

    def shop(self, call: Call) -> Shop:
        return call.shop

    def current_app_installation(self, call: Call) -> Installation:
        app: App = call.caller.app
        shown = ShownApp(app.client_id, "Made in the admin" if app.custom else "Public application")
        return Installation(shown, [Scope(scope) for scope in call.caller.scopes])


def or_none(read: Callable[[], Found]) -> Found | None:
    try:
        return read()
    except Refusal:
        return None


def counted(many: int, limit: int | None) -> Count:
    return Count(many, "EXACT") if limit is None or many <= limit else Count(limit, "AT_LEAST")


def found(
    call: Call, rows: list[Any], args: Document, filters: Mapping[str, Read], words: Read, *, days: bool
) -> Keyed:
    """What the search finds, sorted. It reads an index that lags; the records themselves do not."""
    lag = call.world.switches.search_lag_s
    indexed = {one.legacy_resource_id: one.stamps.indexed(call.now, lag) for one in rows}

    def updated_at(one: Any) -> object:
        stamp = indexed[one.legacy_resource_id]
        return stamp.replace(hour=23, minute=59, second=59, microsecond=0) if days and stamp else stamp

    fits, unknown = matcher(args.get("query"), {**filters, "updated_at": updated_at}, words)
    warn(call, args.get("query"), unknown)
    listed = [one for one in rows if indexed[one.legacy_resource_id] is not None and fits(one)]
    key = sorter(args.get("sort_key") or "ID", indexed)
    return sorted(((key(one), one) for one in listed), key=lambda row: row[0])


def sorter(name: str, indexed: Mapping[int, Any]) -> Callable[[Any], tuple[Any, ...]]:
    match name:
        case "UPDATED_AT":
            return lambda one: (indexed[one.legacy_resource_id].isoformat(), one.legacy_resource_id)
        case "CREATED_AT":
            return lambda one: (one.created_at.isoformat(), one.legacy_resource_id)
        case "PROCESSED_AT":
            return lambda one: (one.processed_at.isoformat(), one.legacy_resource_id)
    return lambda one: (one.legacy_resource_id,)


def warn(call: Call, query: str | None, unknown: list[Term]) -> None:
    """A filter nobody knows is no error: it is passed over, and the answer's `extensions.search` says so."""
    if unknown:
        rows = [
            {"field": term.name, "message": "Invalid search field for this query.", "code": "invalid_field"}
            for term in unknown
        ]
        call.warnings.append({"query": query, "warnings": rows})
