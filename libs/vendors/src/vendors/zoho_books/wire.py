"""The bytes of Zoho Books and nothing beyond: its JSON in, neutral fields out. Amounts never become floats on the way."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from common.contracts.records import RECORDS

Teller = Callable[[Mapping[str, Any]], dict[str, Any]]
"""What an object of the vendor's says, under our names."""

_JSON = json.JSONDecoder(parse_float=Decimal)
_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_OFFSET = re.compile(r"([+-]\d{2})(\d{2})$")

# The vendor's word for a module -> our entity, and where its id stands.
MODULES: Mapping[str, tuple[str, str]] = {
    "contact": ("customer", "contact_id"),
    "invoice": ("invoice", "invoice_id"),
    "payment": ("payment", "payment_id"),
    "bill": ("bill", "bill_id"),
    "purchaseorder": ("purchase_order", "purchaseorder_id"),
}


# What is longer was not made by us: strangers' words are not remembered.
_SHORT = 256


class Unreadable(ValueError):
    """The bytes are not what the vendor's sheet says they are."""


def body_of(raw: bytes, content_type: str = "") -> dict[str, Any]:
    """The JSON object in a body; older organisations send it inside a form field `JSONString`."""
    written = raw
    if "form" in content_type:
        pairs = dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))
        written = pairs.get("JSONString", "").encode()
    try:
        loaded = _JSON.decode(written.decode(json.detect_encoding(written)))
    except (ValueError, RecursionError) as error:
        raise Unreadable("The body is not JSON.") from error
    if not isinstance(loaded, dict):
        raise Unreadable("The body is JSON, but no object.")
    return loaded


def pairs_of(query: str) -> Sequence[tuple[str, str]]:
    """The pairs of an address's query; ours are few and come with every webhook, so they are read once."""
    return _known_pairs(query) if len(query) <= _SHORT else parse_qsl(query, keep_blank_values=True)


@lru_cache(maxsize=1024)
def _known_pairs(query: str) -> tuple[tuple[str, str], ...]:
    return tuple(parse_qsl(query, keep_blank_values=True))


def module_of(body: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """The module's word and its object: `{"contact": {...}}`, or None where none of ours is in the body."""
    for word in MODULES:
        found = body.get(word)
        if isinstance(found, dict):
            return word, found
    return None


def identity(word: str, found: Mapping[str, Any]) -> tuple[str, str] | None:
    """Our entity and the record's id, in a webhook."""
    entity, id_name = MODULES[word]
    record = record_id(found, id_name)
    if entity == "customer" and _is_supplier(found):
        entity = "supplier"
    return (entity, record) if record else None


def record_id(found: Mapping[str, Any], id_name: str) -> str | None:
    """The id under this name, where it is one."""
    record = str(found.get(id_name) or "").strip()
    return record if _ID.fullmatch(record) else None


def is_of(entity: str, found: Mapping[str, Any]) -> bool:
    """Customers and suppliers share a list."""
    return entity not in ("customer", "supplier") or _is_supplier(found) == (entity == "supplier")


def _is_supplier(found: Mapping[str, Any]) -> bool:
    return found.get("contact_type") == "vendor"


def stamp(found: Mapping[str, Any], name: str = "last_modified_time") -> datetime | None:
    """A time of the vendor: ISO, its offset without colon, resolution one second."""
    parsed = found.get(name)
    if not isinstance(parsed, str) or not parsed:
        return None
    try:
        moment = datetime.fromisoformat(_OFFSET.sub(r"\1:\2", parsed))
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else None


def fields(entity: str, found: Mapping[str, Any], tell: Teller, moment: datetime | None) -> dict[str, Any]:
    """The neutral fields that this object tells; what it does not mention is not told."""
    try:
        parsed = tell(found)
    except (TypeError, AttributeError, ArithmeticError, LookupError) as error:
        raise Unreadable(f"The {entity} is of a form that the vendor's sheet does not know.") from error
    if moment is not None:
        parsed["updated_at"] = moment.isoformat()
    model = RECORDS[entity]
    complete = _with_required(model.model_fields, parsed)
    try:
        record = model.model_validate(complete)
    except ValueError as error:
        raise Unreadable(f"The {entity} has a field of a form that the vendor's sheet does not know.") from error
    return record.model_dump(mode="json", include=set(parsed))


def _with_required(known: Mapping[str, Any], parsed: Mapping[str, Any]) -> dict[str, Any]:
    missing = [name for name, field in known.items() if field.is_required() and parsed.get(name) is None]
    if missing:
        raise Unreadable(f"The record lacks {', '.join(missing)}.")
    return dict(parsed)


def custom_values(found: Mapping[str, Any]) -> dict[str, str | None] | None:
    """Custom fields by their api name: a list of objects in the detail, a flat hash in list rows."""
    listed, flat = found.get("custom_fields"), found.get("custom_field_hash")
    if isinstance(listed, list) and listed:
        named = {
            text(f.get("api_name")) or text(f.get("placeholder")): f.get("value") for f in listed if isinstance(f, dict)
        }
        return {name: text(value) for name, value in named.items() if name}
    if isinstance(flat, dict):
        return {name: text(value) for name, value in flat.items() if not name.endswith(("_unformatted", "_formatted"))}
    return {} if isinstance(listed, list) else None


def renamed(found: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """These fields as texts, under our names."""
    return {ours: text(found[theirs]) for theirs, ours in names.items() if theirs in found}


def text(value: Any) -> str | None:
    """Empty texts are how the vendor says "no value"; numbers come as numbers or as texts."""
    if value is None or isinstance(value, dict | list):
        return None
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip() or None


def amount(value: Any) -> str | None:
    """Every digit of it."""
    written = text(value)
    try:
        return None if written is None else format(Decimal(written.replace(",", "")), "f")
    except ArithmeticError:
        return None
