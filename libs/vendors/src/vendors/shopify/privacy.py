"""What Shopify passes on of persons who ask (sheet, section 3.3): which records are theirs. Everything is under the signature.

The shop names the orders that may be redacted, which are not always all: one that is too young for it comes with a later message.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from common.contracts.ids import Entity, RecordId
from vendors.privacy import PrivacyAsk
from vendors.shopify import wire

ORDER, CUSTOMER = Entity("order"), Entity("customer")


def asked(topic: str, body: bytes) -> PrivacyAsk:
    """Raises `UnreadableBody` where it does not say whose records are meant."""
    found = wire.body_of(body)
    match topic:
        case "shop/redact":
            return PrivacyAsk("redact_account")
        case "customers/redact":
            return PrivacyAsk("redact", _records(found, found.get("orders_to_redact")))
        case _:
            reference = wire.number(_part(found, "data_request").get("id")) or ""
            return PrivacyAsk("export", _records(found, found.get("orders_requested")), reference)


def _records(found: wire.Values, orders: Any) -> list[tuple[Entity, RecordId]]:
    who = wire.number(_part(found, "customer").get("id"))
    named = [(CUSTOMER, who), *((ORDER, wire.number(one)) for one in _listed(orders))]
    if not any(record for _, record in named):
        raise wire.UnreadableBody("It names neither a customer nor an order.")
    return [(entity, RecordId(record)) for entity, record in named if record]


def _part(found: wire.Values, name: str) -> wire.Values:
    inner = found.get(name)
    return inner if isinstance(inner, dict) else {}


def _listed(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else ()
