"""Records of a module as documents and as the vendor takes and shows them: the columns of the reader, turned round."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from vendors.zoho_crm import wire
from vendors.zoho_crm.columns import Column, CrmField
from vendors.zoho_crm.module_facts import ModuleFacts, ModuleField
from vendors.zoho_crm.reader import ModuleReader
from vendors.zoho_crm.wire import Row
from vendors.zoho_crm.write_codes import (
    ZC_CHOICE_UNKNOWN,
    ZC_FIELD_MISSING,
    ZC_VALUE_TOO_LONG,
    ZC_VALUE_WRONG,
    refused,
)

CUSTOM = "custom."
KEY = "key"
"""The path of our own field, which has the id of the record at the other system."""
_WHOLE = frozenset({"integer", "bigint"})
_FRACTIONS = frozenset({"double", "currency", "percent"})


def columns_of(reader: ModuleReader) -> dict[str, Column]:
    """What can be written, by our paths."""
    return {one.ours: one for one in reader.every if not isinstance(one, CrmField) or one.writable}


def is_lacking(reader: ModuleReader, path: str, facts: object | None) -> bool:
    """Whether the account has no such field, and need not have it."""
    column = columns_of(reader).get(path)
    if not isinstance(column, CrmField) or not column.may_lack or not isinstance(facts, ModuleFacts):
        return False
    return not facts.has(column.theirs)


def plain(reader: ModuleReader, path: str, value: Any) -> Any:
    """A value in the form in which a read tells it."""
    column = columns_of(reader).get(path)
    return column.plain(value) if column is not None else wire.plain(value)


def seen(reader: ModuleReader, found: Row, key_field: str) -> dict[str, Any]:
    """What a record is, by our paths: of its own fields those that this answer shows."""
    told = reader.detail(found)
    custom = told.pop("custom", None) or {}
    writable = columns_of(reader)
    return {
        **{path: value for path, value in told.items() if path in writable},
        **{f"{CUSTOM}{name}": value for name, value in custom.items() if name != key_field},
        KEY: wire.text(found.get(key_field)),
    }


def row(reader: ModuleReader, values: Mapping[str, Any], key_field: str, facts: ModuleFacts) -> dict[str, Any]:
    """The row of a write; a value that a field cannot have is refused here, before anything is sent."""
    columns, written = columns_of(reader), dict[str, Any]()
    for path, value in values.items():
        if path == KEY:
            written[key_field] = value
        elif path in columns:
            written |= columns[path].given(value)
        else:
            name = path.removeprefix(CUSTOM)
            written[name] = _typed(path, value, facts.fields.get(name))
    for name, value in written.items():
        _check(name, value, facts)
    return written


def _check(name: str, value: Any, facts: ModuleFacts) -> None:
    if not facts.known:
        return
    one = facts.fields.get(name)
    if one is None or not one.writable:
        raise refused(ZC_FIELD_MISSING, f"It is {name}.")
    for word in value if isinstance(value, list) else [value]:
        if one.choices and isinstance(word, str) and word not in one.choices:
            raise refused(ZC_CHOICE_UNKNOWN, f"It is {name}, which can be {', '.join(one.choices[:20])}.")
    if isinstance(value, str) and 0 < one.length < len(value):
        raise refused(ZC_VALUE_TOO_LONG, f"It is {name}, which takes {one.length}.")


def _typed(path: str, value: Any, one: ModuleField | None) -> Any:
    """A field that the account has added, as its type wants it; documents have texts."""
    text = wire.text(value)
    if text is None or one is None:
        return text
    try:
        return _as(one.kind, text)
    except (ArithmeticError, ValueError, TypeError, LookupError) as odd:
        raise refused(ZC_VALUE_WRONG, f"It is {path.removeprefix(CUSTOM)}, which is of the kind {one.kind}.") from odd


def _as(kind: str, text: str) -> Any:
    if kind in _WHOLE:
        return int(text)
    if kind in _FRACTIONS:
        return wire.number(text)
    if kind == "boolean":
        return {"true": True, "false": False, "yes": True, "no": False, "1": True, "0": False}[text.lower()]
    if kind == "multiselectpicklist":
        return [one.strip() for one in text.split(";") if one.strip()]
    if kind == "date":
        return date.fromisoformat(text).isoformat()
    return {"id": text} if kind in ("lookup", "ownerlookup") else text
