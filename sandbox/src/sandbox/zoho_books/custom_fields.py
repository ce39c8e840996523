"""Custom fields: their definitions, and their values as requests name them and answers show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.zoho_books.refusals import invalid
from sandbox.zoho_books.wire import Body

Values = dict[str, str]
NO_VALUES: Mapping[str, str] = {}  # shared by all records without values; never written to


def no_values() -> Mapping[str, str]:
    return NO_VALUES


@dataclass(frozen=True, slots=True)
class CustomField:
    """One field an organisation has added to a module. `unique` is "Prevent Duplicate Values"."""

    id: str
    module: str  # contact, invoice, item, payment, creditnote, and those of papers
    index: int
    api_name: str
    label: str
    data_type: str = "string"
    unique: bool = False
    in_lists: bool = False


def read(body: Body, fields: Iterable[CustomField]) -> Values | None:
    """The values a request sets, by api name; None when it says nothing of custom fields."""
    if not body.has("custom_fields"):
        return None
    known = list(fields)
    values: Values = {}
    for row in body.rows("custom_fields"):
        field = _named(row, known)
        values[field.api_name] = _value(row, field)
    return values


def _named(row: Body, fields: list[CustomField]) -> CustomField:
    """Requests may name a field by id, api name, index or label (sheet, section 4)."""
    names = {name: row.text(name) for name in ("customfield_id", "api_name", "index", "label")}
    for field in fields:
        said = {"customfield_id": field.id, "api_name": field.api_name, "index": str(field.index), "label": field.label}
        given = [name for name, value in names.items() if value]
        if given and names[given[0]] == said[given[0]]:
            return field
    raise invalid("custom_fields")


def _value(row: Body, field: CustomField) -> str:
    value = row.text("value", longest=5000 if field.data_type == "multiline" else 255)
    if field.data_type == "date":
        return row.day("value")
    return value


def rows(fields: Iterable[CustomField], values: Mapping[str, str]) -> list[dict[str, Any]]:
    """The detail's list: fields that have a value."""
    return [_row(field, values[field.api_name]) for field in fields if values.get(field.api_name)]


def _row(field: CustomField, value: str) -> dict[str, Any]:
    return {
        "customfield_id": field.id,
        "index": field.index,
        "label": field.label,
        "api_name": field.api_name,
        "data_type": field.data_type,
        "show_in_all_pdf": False,
        "value": value,
        "value_formatted": value,
    }


def hashed(fields: Iterable[CustomField], values: Mapping[str, str], *, lists: bool) -> dict[str, str]:
    """`custom_field_hash`: in lists only the fields that are shown there."""
    found: dict[str, str] = {}
    for field in fields:
        value = values.get(field.api_name)
        if value and (field.in_lists or not lists):
            found[field.api_name] = value
            found[f"{field.api_name}_unformatted"] = value
    return found
