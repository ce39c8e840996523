"""One call to the API while it is answered: who asks, what it touched, and whom to tell."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from graphql import GraphQLError

from sandbox.shopify.customer import Customer
from sandbox.shopify.order import Order
from sandbox.shopify.shop import Shop
from sandbox.shopify.world import Caller, World
from sandbox.simulator import Applied, Operation

OLDEST_WITHOUT_SCOPE = timedelta(days=60)
Document = dict[str, Any]


@dataclass(slots=True)
class Event:
    """Something that happened, for those who subscribed to its topic."""

    topic: str  # ORDERS_CREATE
    body: Document
    cause: str


class Refusal(ValueError):
    """What an input cannot be; becomes a row of `userErrors`."""

    def __init__(self, message: str, *path: str, code: str | None = None) -> None:
        super().__init__(message)
        self.path, self.code = list(path), code

    def row(self) -> Document:
        return {"field": self.path or None, "message": str(self), "code": self.code}


@dataclass(slots=True)
class Call:
    """The context every resolver gets."""

    world: World
    caller: Caller
    now: datetime
    id: str
    version: str = "2026-04"
    base_url: str = ""
    applied: list[Applied] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    warnings: list[Document] = field(default_factory=list)

    @property
    def shop(self) -> Shop:
        return self.caller.shop

    @property
    def sees_persons(self) -> bool:
        """Applications of a shop's own admin do; others when the vendor approved it."""
        return self.caller.operator or self.caller.app.custom or self.world.switches.protected_data

    def note(self, kind: str, number: object, op: Operation) -> None:
        self.applied.append(Applied(kind, str(number), op))

    def tell(self, topic: str, body: Document) -> None:
        self.events.append(Event(topic, body, self.id))

    def needs(self, scope: str, field_name: str) -> None:
        """Raises the vendor's refusal for a field the token may not touch; whoever may write may read."""
        held = self.caller.scopes
        if self.caller.operator or scope in held or scope.replace("read_", "write_") in held:
            return
        extensions = {"code": "ACCESS_DENIED", "requiredAccess": f"`{scope}` access scope."}
        raise GraphQLError(
            f"Access denied for {field_name} field. Required access: `{scope}` access scope.", extensions=extensions
        )

    def shows(self, order: Order) -> bool:
        """Without the scope for all orders those of the last 60 days only."""
        whole = self.caller.operator or "read_all_orders" in self.caller.scopes
        return whole or order.created_at >= self.now - OLDEST_WITHOUT_SCOPE

    # Records by their ids

    def order(self, given: str, *path: str) -> Order:
        found = self.shop.orders.get(number_of(given, "Order"))
        if found is None or not self.shows(found):
            raise Refusal("Order does not exist", *path, code="NOT_FOUND")
        return found

    def customer(self, given: str, *path: str) -> Customer:
        found = self.shop.customers.get(number_of(given, "Customer"))
        if found is None:
            raise Refusal("Customer does not exist", *path)
        return found


def number_of(given: str | None, kind: str) -> int:
    """The number in `gid://shopify/Order/123`; -1 for an id of something else."""
    head, _, tail = (given or "").rpartition("/")
    right = head == f"gid://shopify/{kind}" and tail.isascii() and tail.isdigit() and len(tail) < 20
    return int(tail) if right else -1
