"""Wishes of people as the API's inputs write them, read by the same schema; the shop itself knows a few words more."""

from __future__ import annotations

from typing import Any

from graphql import GraphQLError
from graphql.utilities import coerce_input_value, validate_input_value

from sandbox.shopify.call import Document
from sandbox.shopify.schema import schema, snake
from sandbox.shopify.schema_words import read_decimal

KINDS = {
    "order": "OrderCreateOrderInput",
    "refund": "RefundInput",
    "draft": "DraftOrderInput",
    "customer": "CustomerInput",
}
# What `orderCreate` cannot say and a checkout can.
MORE = ("tip", "cashRounding", "rate")
LATER = "refund"


def read(kind: str, given: object) -> Document:
    """The input in the simulator's words; raises ValueError for what the schema refuses."""
    if not isinstance(given, dict):
        raise ValueError(f"{kind} is an object")
    plain = dict(given)
    more: Document = {snake(name): read_decimal(plain.pop(name)) for name in MORE if name in plain}
    discounts = [discount(one) for one in plain.pop("discounts", [])]
    duties = duties_of(plain)
    if kind == LATER:
        plain.setdefault("orderId", "")
        more |= statuses(plain)
    found = coerced(KINDS[kind], plain)
    for line, wanted in duties.items():
        found["line_items"][line]["duties"] = wanted
    for at, status in enumerate(more.pop("statuses", ())):
        found["transactions"][at]["status"] = status
    return found | more | ({"discounts": discounts} if discounts else {})


def coerced(name: str, plain: Document) -> Document:
    kind: Any = schema().type_map[name]

    def refuse(error: GraphQLError, path: list[Any]) -> None:
        raise ValueError(f"{'.'.join(str(part) for part in path)}: {error.message}")

    validate_input_value(plain, kind, refuse)
    found: Document = coerce_input_value(plain, kind)
    return found


def duties_of(plain: Document) -> dict[int, list[Document]]:
    found = {}
    lines = [dict(one) for one in plain.get("lineItems") or ()]
    for at, line in enumerate(lines):
        if rows := line.pop("duties", None):
            found[at] = [{**row, "amount": read_decimal(row["amount"])} for row in rows]
    if lines:
        plain["lineItems"] = lines
    return found


def statuses(plain: Document) -> Document:
    """A refund's money may still be on its way."""
    rows = [dict(one) for one in plain.get("transactions") or ()]
    wanted = [one.pop("status", "SUCCESS") for one in rows]
    if rows:
        plain["transactions"] = [{"orderId": "", **one} for one in rows]
    return {"statuses": wanted}


def discount(given: Document) -> Document:
    """`{"kind": "manual", "title", "percent" | "amount", "target": "SHIPPING_LINE", "line": 0}`."""
    found = dict(given)
    for name in ("percent", "amount"):
        if name in found:
            found[name] = read_decimal(found[name])
    return found
