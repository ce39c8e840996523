"""States become change events: the derived id, the key, the headers."""

from __future__ import annotations

from typing import Literal

from common.bus.producer import Outgoing
from common.bus.record import RawRecord
from common.contracts.ids import ConnectionId, EventId, VendorName, change_key
from common.contracts.messages import ChangeEvent, Envelope, Lane
from common.contracts.topics import changes
from vendors.vendor import State

Via = Literal["webhook", "poll", "read", "backfill"]


def change_event(
    connection: ConnectionId, vendor: VendorName, state: State, via: Via, receipt: EventId | None = None
) -> ChangeEvent:
    """The same state told twice is the same event, whoever tells it."""
    fields = dict(state.fields)
    return ChangeEvent(
        id=ChangeEvent.derive_id(connection, state.entity, state.record, state.version, state.coverage, fields),
        connection=connection, vendor=vendor, entity=state.entity, record=state.record, kind=state.kind,
        version=state.version, coverage=state.coverage, fields=fields, observed_at=state.observed_at, via=via,
        lane=Lane.LIVE, receipt=receipt, place=state.place, author=state.author,
    )  # fmt: skip


def outgoing(event: ChangeEvent, *, cause: RawRecord | None = None, traceparent: str = "") -> Outgoing:
    """The event as a message; its trace is the record's that caused it, or the one that somebody kept for it."""
    headers = Envelope.of_change(event).headers()
    if cause is None and traceparent:
        headers.append(("traceparent", traceparent.encode()))
    key = change_key(event.connection, event.entity, event.record)
    return Outgoing(changes(event.vendor), key, event.model_dump_json().encode(), headers, cause)
