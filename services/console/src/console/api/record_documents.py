"""The documents of records and their timelines; values are hidden unless somebody asked to see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from common.state.activity import Activity
from console.api.activity_documents import ActivityDocument, activity_document
from console.masking import masked_address, masked_patch, masked_tree
from console.state.records import Counterpart, Found


class CounterpartDocument(BaseModel):
    """The record's other half at one target."""

    sync: str
    leg: str
    target: str
    place: str
    wish: str
    skip: str
    revision: int
    mapping_version: int
    work: str = Field(description="ready, leased, hold, waiting, parked, dead or done; empty before it was taken in.")
    outcome: str
    reason: str
    target_key: str
    target_id: str
    link: str
    linked_since: datetime | None
    standing: str


class RecordDocument(BaseModel):
    """One source record."""

    connection: str
    connection_name: str
    entity: str
    record: str
    fields: dict[str, Any]
    deleted: bool
    changed_at: datetime
    counterparts: list[CounterpartDocument]


class RecordList(BaseModel):
    """What was found, the last changed first."""

    items: list[RecordDocument]


class JournalRow(BaseModel):
    """One thing that happened to a record."""

    id: int
    at: datetime
    step: str
    reason: str
    words: str
    sync: str
    connection: str
    run: str
    event_id: str
    revision: int | None
    mapping_version: int | None
    attempt: str
    trace_id: str
    target_key: str
    vendor_status: int | None
    vendor_code: str
    vendor_request_id: str
    duration_ms: float | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    patch: list[dict[str, Any]] | None
    details: dict[str, Any] | None
    who: str


class TimelineDocument(BaseModel):
    """A record's whole way, oldest first."""

    record: RecordDocument
    items: list[JournalRow]
    activity: list[ActivityDocument] = Field(description="What targets have told of it in these days, oldest first.")
    earlier: int | None = Field(description="Give it as `before` for the rows before these; None when there are none.")
    unmasked: bool


def record_document(found: Found, *, unmask: bool) -> RecordDocument:
    """A record."""
    fields = dict(found.fields)
    return RecordDocument(
        connection=found.key.connection,
        connection_name=found.connection_name,
        entity=found.key.entity,
        record=found.key.record,
        fields=fields if unmask else _hidden(fields),
        deleted=found.deleted,
        changed_at=found.changed_at,
        counterparts=[_counterpart(one, unmask=unmask) for one in found.counterparts],
    )


def timeline_document(
    found: Found, timeline: Sequence[Mapping[str, Any]], earlier: int | None, told: Sequence[Activity], *, unmask: bool
) -> TimelineDocument:
    """A timeline."""
    return TimelineDocument(
        record=record_document(found, unmask=unmask),
        items=[_row(one, unmask=unmask) for one in timeline],
        activity=[activity_document(one, unmask=unmask) for one in told],
        earlier=earlier,
        unmasked=unmask,
    )


def _row(entry: Mapping[str, Any], *, unmask: bool) -> JournalRow:
    given = {name: entry[name] for name in JournalRow.model_fields}
    if not unmask:
        given |= {
            "before": masked_tree(entry["before"]),
            "after": masked_tree(entry["after"]),
            "patch": masked_patch(entry["patch"]),
            "target_key": masked_address(entry["target_key"]),
        }
    return JournalRow(**given)


def _counterpart(one: Counterpart, *, unmask: bool) -> CounterpartDocument:
    same = ("leg", "target", "place", "wish", "skip", "revision", "mapping_version", "work", "outcome", "reason", "target_id",
            "link", "standing")  # fmt: skip
    return CounterpartDocument(
        **{name: getattr(one, name) for name in same},
        sync=one.sync_name,
        target_key=one.target_key if unmask else masked_address(one.target_key),
        linked_since=one.since,
    )


def _hidden(fields: Mapping[str, Any]) -> dict[str, Any]:
    """An address by its first letter and its domain: whoever knows it recognises it."""
    shown = masked_tree(fields) or {}
    email = fields.get("email")
    return shown | ({"email": masked_address(email)} if isinstance(email, str) else {})
