"""The bytes of Zoho CRM and nothing beyond: its JSON in, neutral fields out. Amounts never become floats on the way."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson

from common.contracts.records import RECORDS

Row = Mapping[str, Any]
"""A record as the vendor shows it."""

_JSON = json.JSONDecoder(parse_float=Decimal)
_ID = re.compile(r"[0-9]{1,30}")
# Of everybody's records, and of no use to anybody else: who touched it, what the pages show of it.
_NOT_TOLD = frozenset(
    {"id", "Created_By", "Modified_By", "Modified_Time", "Created_Time", "Tag", "Layout", "Record_Image", "Last_Activity_Time"}
)  # fmt: skip


class UnreadableRecord(ValueError):
    """The bytes are not what the vendor's sheet says they are."""


def body_of(raw: bytes) -> dict[str, Any]:
    """The JSON object in a body."""
    try:
        loaded = _JSON.decode(raw.decode(json.detect_encoding(raw)))
    except (ValueError, RecursionError) as error:
        raise UnreadableRecord("The body is not JSON.") from error
    if not isinstance(loaded, dict):
        raise UnreadableRecord("The body is JSON, but no object.")
    return loaded


def record_id(value: Any) -> str | None:
    """An id, where it is one: digits, as text."""
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def stamp(value: Any) -> datetime | None:
    """A time of the vendor: ISO with an offset, resolution one second."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else None


def text(value: Any) -> str | None:
    """A value that is one word; an empty one is how the vendor says "no value"."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if not isinstance(value, str | int):
        raise TypeError("This is no text.")
    return str(value).strip() or None


def amount(value: Any) -> str | None:
    """Every digit of it."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise TypeError("This is no number.")
    return format(Decimal(value), "f")


def number(plain: str) -> orjson.Fragment:
    """An amount as the digits that it is: a float has lost the cent before anybody adds it up."""
    return orjson.Fragment(format(Decimal(plain), "f").encode())


def part(value: Any, name: str) -> str | None:
    """What a lookup says of the record that it leads to: its id or its name."""
    if value is None or value == "":
        return None
    return text(value[name])


def is_told(name: str) -> bool:
    """Whether a field that no column names is told at all, as one of the account's own."""
    return name not in _NOT_TOLD and not name.startswith("$") and not name.endswith("__s")


def plain(value: Any) -> str | None:
    """A value of any type as text: a lookup by whom it leads to, several choices one after another."""
    if isinstance(value, dict):
        found = next((value[name] for name in ("email", "id", "name") if value.get(name)), None)
        return text(found) if isinstance(found, str | int) else None
    if isinstance(value, list):
        return ";".join(str(one) for one in value if isinstance(one, str | int)) or None
    return text(value)


def fields(entity: str, parsed: Mapping[str, Any]) -> dict[str, Any]:
    """These fields, once the neutral record has taken them; what is not mentioned is not told."""
    try:
        record = RECORDS[entity].model_validate(parsed)
    except ValueError as error:
        raise UnreadableRecord(f"The {entity} has a field of a form that the vendor's sheet does not know.") from error
    return record.model_dump(mode="json", include=set(parsed))
