"""Creating, changing and deleting records (sheet, section 3)."""

from __future__ import annotations

from typing import Any

from sandbox.zoho_crm.call import Call, Reply
from sandbox.zoho_crm.changing import Rows, entry_of
from sandbox.zoho_crm.record import Record, Tombstone
from sandbox.zoho_crm.refusals import (
    Document,
    Refusal,
    RowRefusal,
    at_field,
    invalid_body,
    missing_param,
)
from sandbox.zoho_crm.verdicts import judged, success
from sandbox.zoho_crm.views import actors

MOST = 100
MOST_DELETED = 100


def rows_of(call: Call, key: str = "data", most: int = MOST) -> list[Any]:
    """The rows of a body; raises Refusal."""
    rows = call.document.get(key)
    if rows is None:
        words = "required field not found"
        raise Refusal(400, "MANDATORY_NOT_FOUND", words, **at_field(key, f"$.{key}"))
    if not isinstance(rows, list) or not rows:
        raise invalid_body(**at_field(key, f"$.{key}", expected_data_type="jsonarray"))
    if len(rows) > most:
        raise invalid_body(**at_field(key, f"$.{key}", maximum_length=most))
    return rows


def create(call: Call) -> Reply:
    rows = Rows(call, call.module)

    def judge(given: Any, path: str) -> Document:
        record = rows.insert(entry_of(given, path), path)
        return added(call, record)

    return judged(rows_of(call), judge, 201)


def added(call: Call, record: Record, **more: object) -> Document:
    details = actors(call.org, record) | {"$approval_state": record.approval}
    return success("record added", details, **more)


def changed(call: Call, record: Record, **more: object) -> Document:
    return success("record updated", actors(call.org, record), **more)


def update_many(call: Call) -> Reply:
    rows = Rows(call, call.module)

    def judge(given: Any, path: str) -> Document:
        entry = entry_of(given, path)
        if rows.named_by not in entry:
            raise RowRefusal("MANDATORY_NOT_FOUND", "required field not found", at_field("id", f"{path}.id"))
        record = rows.by_id(entry[rows.named_by], f"{path}.{rows.named_by}")
        return changed(call, rows.update(record, entry, path))

    return judged(rows_of(call), judge)


def update_one(call: Call) -> Reply:
    rows = Rows(call, call.module)

    def judge(given: Any, path: str) -> Document:
        record = rows.by_id(call.ids["id"], f"{path}.id")
        return changed(call, rows.update(record, entry_of(given, path), path))

    return judged(rows_of(call, most=1), judge)


def delete_many(call: Call) -> Reply:
    ids = [one for one in call.param("ids").split(",") if one]
    if not ids:
        raise missing_param("ids")
    if len(ids) > MOST_DELETED:
        raise invalid_body(maximum_length=MOST_DELETED, param_name="ids")
    return _delete(call, ids)


def delete_one(call: Call) -> Reply:
    return _delete(call, [call.ids["id"]])


def _delete(call: Call, ids: list[str]) -> Reply:
    rows = Rows(call, call.module)

    def judge(id_: str, path: str) -> Document:
        record = rows.by_id(id_, f"{path}.id")
        rows.may_change(record)
        remove(call, rows.module.api_name, record, "recycle")
        return success("record deleted", {"id": record.id})

    return judged(ids, judge)


def remove(call: Call, module: str, record: Record, kind: str) -> None:
    """Take a record off its shelf; what is left is a line in the recycle bin."""
    org, shelf = call.org, call.org.shelves[module]
    name = org.title(module, record)
    shelf.drop(record.id)
    shelf.gone.append(Tombstone(record.id, name, kind, call.now, call.user.id, record.created_by))
    call.wrote(module, record, "delete", {})
