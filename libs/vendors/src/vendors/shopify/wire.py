"""The bytes of Shopify and nothing beyond: its JSON in, neutral fields out. Amounts never become floats, ids never lose a digit."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from common.contracts.records import RECORDS

Values = Mapping[str, Any]
_NUMBER = re.compile(r"[0-9]{1,20}")


class UnreadableBody(ValueError):
    """The bytes are not what the vendor's sheet says they are."""


def body_of(raw: bytes) -> dict[str, Any]:
    """The JSON object in a body."""
    try:
        loaded = json.loads(raw, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise UnreadableBody("The body is not JSON.") from error
    if not isinstance(loaded, dict):
        raise UnreadableBody("The body is JSON, but no object.")
    return loaded


def number(value: Any) -> str | None:
    """An id as digits: webhooks write the number, the API `gid://shopify/Order/123`; they are beyond what a float can hold."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    tail = str(value).rpartition("/")[2].partition("?")[0]
    return tail if _NUMBER.fullmatch(tail) else None


def gid(kind: str, record: str) -> str:
    return f"gid://shopify/{kind}/{record}"


def rows(value: Any) -> list[Values]:
    """A list of objects, be it bare or a connection with its nodes."""
    found = value.get("nodes") if isinstance(value, dict) else value
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def text(value: Any) -> str | None:
    """A text that says something; empty ones are how the vendor says that there is none."""
    if value is None or isinstance(value, dict | list | bool):
        return None
    return str(value).strip() or None


def word(value: Any) -> str | None:
    """One of the vendor's words: the API writes them in capitals, webhooks do not."""
    found = text(value)
    return found.lower() if found else None


def flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def stamp(found: Values, name: str = "updated_at") -> datetime | None:
    """A time of the vendor, with its offset."""
    written = found.get(name)
    if not isinstance(written, str):
        return None
    try:
        moment = datetime.fromisoformat(written.replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else None


def when(found: Values, name: str) -> str | None:
    moment = stamp(found, name)
    return moment.isoformat() if moment else None


def pair(found: Values, name: str) -> dict[str, str] | None:
    """Both sides of `<name>_set`; neither is ever made from the other."""
    bag = found.get(f"{name}_set")
    if not isinstance(bag, dict):
        return None
    return {
        ours: str(bag[theirs]["amount"])
        for ours, theirs in (("shop", "shop_money"), ("presentment", "presentment_money"))
    }


def fields(entity: str, found: Values, tell: Callable[[Values], dict[str, Any]]) -> dict[str, Any]:
    """The neutral fields that this object tells; what it does not mention is not told."""
    try:
        parsed = tell(found)
        record = RECORDS[entity].model_validate(parsed)
    except (TypeError, AttributeError, ArithmeticError, LookupError, ValueError) as error:
        raise UnreadableBody(f"The {entity} is of a form that the vendor's sheet does not know.") from error
    return record.model_dump(mode="json", include=set(parsed))
