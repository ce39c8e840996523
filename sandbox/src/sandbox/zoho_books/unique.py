"""Unique custom fields: no value twice, and PUT by `X-Unique-Identifier-*` headers (sheet, section 5)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from typing import Protocol, TypeVar

from sandbox.zoho_books.call import Call
from sandbox.zoho_books.custom_fields import CustomField
from sandbox.zoho_books.refusals import absent, invalid, missing
from sandbox.zoho_books.shelf import Record, Shelf


class WithCustom(Record, Protocol):
    @property
    def custom(self) -> Mapping[str, str]: ...
    @property
    def created(self) -> int: ...


# As long as a record that was just made is not yet known to a unique field, where that is switched on.
RACE_S = 1
R = TypeVar("R", bound=WithCustom)


def check_unique(
    call: Call, shelf: Shelf[R], fields: Iterable[CustomField], values: Mapping[str, str], own_id: str
) -> None:
    """Refuse a value that another record already has in a field without duplicates."""
    for field in fields:
        value = values.get(field.api_name)
        if field.unique and value:
            others = _having(call, shelf, field.api_name, value)
            if any(other.id != own_id for other in others):
                raise invalid(field.label)


def upserted(call: Call, shelf: Shelf[R], module: str, resource: str) -> R | None:
    """The record the headers name; None when there is none and X-Upsert asks for a new one."""
    key, value = _named(call)
    if not key or not value:
        raise missing("X-Unique-Identifier-Key" if not key else "X-Unique-Identifier-Value")
    if not any(field.unique and field.api_name == key for field in call.org.fields_of(module)):
        raise invalid("X-Unique-Identifier-Key")
    named = _having(call, shelf, key, value)
    if named:
        return named[0]
    if call.request.headers.get("x-upsert", "").lower() != "true":
        raise absent(resource)
    return None


def _having(call: Call, shelf: Shelf[R], name: str, value: str) -> list[R]:
    """Who has this value, as far as the vendor's own check knows: one that was made at the same moment may escape it (UNCONFIRMED)."""
    found = shelf.look_up("custom", f"{name}={value}")
    return [one for one in found if not call.switches.unique_values_race or one.created < call.now - RACE_S]


def header_values(call: Call, values: dict[str, str]) -> dict[str, str]:
    """The custom values of an insert: with the header's own value only where the switch says so (UNCONFIRMED)."""
    key, value = _named(call)
    if call.switches.upsert_stores_key and key and value:
        return {key: value} | values
    return values


def _named(call: Call) -> tuple[str, str]:
    """The headers; a value beyond ASCII comes as UTF-8."""
    headers = call.request.headers
    value = headers.get("x-unique-identifier-value", "").strip()
    with contextlib.suppress(ValueError):
        value = value.encode("latin-1").decode()
    return headers.get("x-unique-identifier-key", "").strip(), value
