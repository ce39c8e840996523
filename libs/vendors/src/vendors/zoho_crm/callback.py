"""What a callback of a notification channel says: which records of which module, and what happened to them (sheet, section 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from common.contracts.ids import Entity, RecordId
from vendors.vendor import Subject
from vendors.zoho_crm import wire
from vendors.zoho_crm.readers import BY_MODULE
from vendors.zoho_crm.wire import UnreadableRecord


class Callback(NamedTuple):
    """No record, no actor, no version: only whom it is about."""

    subjects: Sequence[Subject]
    is_deletion: bool


def read(body: bytes) -> Callback:
    """Raises `UnreadableRecord` where it names no record of ours."""
    found = wire.body_of(body)
    entity, ids = entity_of(found), found.get("ids")
    records = [wire.record_id(one) for one in ids] if isinstance(ids, list) else []
    known = [RecordId(record) for record in dict.fromkeys(records) if record is not None]
    if entity is None or not known:
        raise UnreadableRecord("The body names no record of ours with its id.")
    return Callback([Subject(entity, record) for record in known], found.get("operation") == "delete")


def entity_of(found: Mapping[str, Any]) -> Entity | None:
    """By the module."""
    module = found.get("module")
    reader = BY_MODULE.get(module) if isinstance(module, str) else None
    return Entity(reader.entity) if reader is not None else None
