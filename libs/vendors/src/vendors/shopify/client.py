"""Shopify as the door sees it: one host a shop, one address, and a token in a header of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from common.contracts.connections import Connection
from common.contracts.ids import Entity, RecordId, VendorName
from common.failures import Bug, Failure
from common.http.call import Call, VendorAnswer
from common.http.door_codes import DOOR_HOST_REFUSED
from common.http.profile import Limit, Timeouts
from vendors.answers import reading
from vendors.shopify import errors, limits, queries, shops, wire
from vendors.shopify.prices import price
from vendors.shopify.shop_token import bare
from vendors.shopify.shops import FAMILY, api, is_shop

NAME = VendorName("shopify")


class ShopifyProfile:
    """Details of a connection: `shop`, the domain."""

    vendor = NAME
    system = FAMILY
    hosts = frozenset({"*.myshopify.com"})
    # Where results of bulk operations lie, by the vendor's examples. A shop whose file lies elsewhere is read by its pages; the settings
    # can name another host (`file_hosts`).
    file_hosts = frozenset({"storage.googleapis.com"})
    timeouts: Timeouts = limits.TIMEOUTS
    max_body = 16 * 1024 * 1024
    horizon: timedelta = limits.HORIZON
    read_lag: timedelta = limits.READ_LAG

    def base_url(self, connection: Connection, override: str) -> str:
        shop = connection.details.get("shop", "")
        if not is_shop(shop):
            raise Bug(DOOR_HOST_REFUSED.name, "The connection names no shop of Shopify.")
        return api(shop, override)

    def query(self, connection: Connection, template: str) -> Mapping[str, str]:
        return {}

    def credential(self, token: str) -> Mapping[str, str]:
        return {"x-shopify-access-token": bare(token)}

    def limits(self, connection: Connection, call: Call | None = None) -> Sequence[Limit]:
        return limits.limits(connection)

    def translate(self, status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> Failure | None:
        return errors.translate(status, headers, body, now)


_PAGES = {"order": "orders", "customer": "customers"}


def page(connection: Connection, entity: Entity, record: RecordId) -> str:
    """Where a person of the shop sees the record."""
    shop, kind = connection.details.get("shop", ""), _PAGES.get(entity, "")
    return shops.page(shop, kind, record) if kind and is_shop(shop) and record.isdigit() else ""


def asked(question: str, operation: str, /, **variables: Any) -> Call:
    """One question; it is a read, whatever the method of HTTP says."""
    body = {"query": question, "variables": variables}
    return Call("POST", "/graphql.json", operation, json=body, cost=price(question, variables))


def changed(mutation: str, operation: str, /, **variables: Any) -> Call:
    """One change: an answer that nobody saw may have made it."""
    body = {"query": mutation, "variables": variables}
    return Call("POST", "/graphql.json", operation, json=body, cost=price(mutation, variables), writes=True)


def told(answer: VendorAnswer) -> Mapping[str, Any]:
    """The data of an answer."""
    with reading(answer):
        found: Mapping[str, Any] = wire.body_of(answer.body)["data"]
        return found


def ping(connection: Connection) -> Call:
    """The cheapest question that needs a good token."""
    return asked(queries.PING, "ping")
