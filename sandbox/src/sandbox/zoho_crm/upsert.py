"""Upsert: found by the fields that are named, else by those that are unique, and changed; or made (sheet, section 3)."""

from __future__ import annotations

from typing import Any

from sandbox.zoho_crm.call import Call, Reply
from sandbox.zoho_crm.changing import Rows, entry_of
from sandbox.zoho_crm.modules import SYSTEM_DUPLICATE, Module
from sandbox.zoho_crm.record import Record
from sandbox.zoho_crm.record_api import added, changed, rows_of
from sandbox.zoho_crm.refusals import Document, at_field, invalid_body
from sandbox.zoho_crm.verdicts import judged

MOST = 10


def upsert(call: Call) -> Reply:
    rows, fields = Rows(call, call.module), checked_fields(call)

    def judge(given: Any, path: str) -> Document:
        entry = entry_of(given, path)
        record, field = _found(call, rows, fields, entry)
        if record is None:
            return added(call, rows.insert(entry, path), action="insert", duplicate_field=None)
        return changed(call, rows.update(record, entry, path), action="update", duplicate_field=field)

    return judged(rows_of(call), judge)


def checked_fields(call: Call) -> list[str]:
    """The fields to look by, in order: first the named ones, then every unique one.

    The vendor's own duplicate field counts when it is named, and when nothing is.
    """
    module, named = call.module, call.document.get("duplicate_check_fields")
    unique = [name for name, one in module.fields.items() if one.unique or one.external]
    own = SYSTEM_DUPLICATE.get(module.api_name)
    if named is None:
        return [own, *unique] if own else unique
    at = "$.duplicate_check_fields"
    if not isinstance(named, list) or len(named) > MOST:
        raise invalid_body(**at_field("duplicate_check_fields", at, maximum_length=MOST))
    for place, name in enumerate(named):
        if name != own and name not in unique:
            raise invalid_body(
                **at_field("duplicate_check_fields", f"{at}[{place}]", supported_values=_allowed(module))
            )
    return [*named, *(name for name in unique if name not in named)]


def _allowed(module: Module) -> list[str]:
    own = SYSTEM_DUPLICATE.get(module.api_name)
    return [*([own] if own else []), *(name for name, one in module.fields.items() if one.unique or one.external)]


def _found(call: Call, rows: Rows, fields: list[str], entry: Document) -> tuple[Record | None, str | None]:
    """The record a row means, and the field it was found by; of several the oldest."""
    if call.switches.id_wins_upsert and "id" in entry:
        return rows.by_id(entry["id"], "$.data.id"), None
    for name in fields:
        found = rows.shelf.having(name, entry.get(name)) if isinstance(entry.get(name), str | int) else []
        if found:
            return found[0], name
    return None, None
