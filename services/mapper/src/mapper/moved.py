"""What has changed with a record that a webhook told of, and tells nothing itself: a payment moves the balance of invoices, and only it is told.

In: changes of a batch that told something new. Out: reads of the other records, where a leg or its facts want them. A listing needs none: the
other records are in a listing of their own. The same change again asks for nothing, because it tells nothing new.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from common.contracts.ids import ConnectionId, Entity, RecordId
from common.contracts.messages import ChangeEvent
from common.state.configuration import Configuration
from common.state.read_requests import ReadRequest
from mapper.merged_batch import MergedBatch, key_of
from vendors.feeding import feeders
from vendors.vendor import Source

MOVED = "moved"


def asks(
    configuration: Configuration, source: Source, changes: Iterable[ChangeEvent], merged: MergedBatch, now: datetime
) -> list[ReadRequest]:
    """One read each."""
    found: dict[tuple[ConnectionId, Entity, RecordId], ReadRequest] = {}
    for change in changes:
        feed = source.feeds.get(change.entity)
        if feed is None or not feed.moves or change.run is not None or change.coverage == "list":
            continue
        before, after = merged.known[key_of(change)], merged.states[key_of(change)]
        if after == before:
            continue
        for entity, name in feed.moves.items():
            if _is_wanted(configuration, source, change.connection, entity):
                ids = {*_ids(before.fields, name), *_ids(after.fields, name)}
                found |= {
                    (change.connection, entity, one): ReadRequest(change.connection, entity, one, MOVED, now)
                    for one in ids
                }
    return list(found.values())


def _is_wanted(configuration: Configuration, source: Source, connection: ConnectionId, entity: Entity) -> bool:
    """Whether somebody judges such records, or whom they tell of."""
    return any(
        leg.source == connection
        and configuration.syncs[leg.sync].judges
        and (leg.source_entity == entity or any(one[1] == entity for one in feeders(source, leg)))
        for leg in configuration.legs()
    )


def _ids(fields: Mapping[str, Any], name: str) -> Iterator[RecordId]:
    value = fields.get(name)
    return (RecordId(one) for one in value) if isinstance(value, dict) else iter(())
