"""Records that are told inside others: a change of a customer is a change of each of its contact persons, of the same version (decision 68).

In: a batch of changes, and its merged states. Out: the changes of the parts that somebody wants to know of, and the reads of those that are
missing by now. Pure but for the rows that `take_apart` goes through. Nothing is on a topic that was not: the parts are merged, judged and
stored in the transaction of the record that told of them, so a crash leaves both or neither.

What a record tells that has to be forgotten is told of nobody inside it either.

R12: that a newer state lacks a part says only that it may be gone: it is read by id. A change that came late, and tells of a part that the
newest state does not have, is such a doubt too and makes nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from common.bus.handler import Delivered
from common.contracts.ids import ConnectionId, Entity, RecordId, VendorName
from common.contracts.messages import ChangeEvent, Lane, Version
from common.state.configuration import Configuration
from common.state.pool import DbConnection
from common.state.read_requests import UNCOVERED, ReadRequest
from mapper import state_rows
from mapper.merged_batch import MergedBatch, key_of, traceparent_of
from mapper.state import AskedFor, RecordState, merge
from mapper.state_rows import Key
from vendors.inner_records import InnerRecords
from vendors.registry import vendor_named


def wanted(
    configuration: Configuration, connection: ConnectionId, entity: Entity
) -> Iterator[tuple[Entity, InnerRecords]]:
    """The kinds of records inside those of this kind that some leg starts from."""
    known = configuration.connections.get(connection)
    for part, parts in vendor_named(known.vendor).inner.items() if known is not None else ():
        if parts.of == entity and any(configuration.legs_of(connection, part)):
            yield part, parts


@dataclass(slots=True)
class ToldInside:
    """What the changes of a batch tell of parts."""

    changes: list[tuple[Delivered[ChangeEvent], Delivered[ChangeEvent]]] = field(default_factory=list)
    """Of each part, and the one that it is made of."""
    _wanted: dict[tuple[ConnectionId, Entity], Sequence[tuple[Entity, InnerRecords]]] = field(default_factory=dict)

    @classmethod
    def of(cls, configuration: Configuration, batch: Sequence[Delivered[ChangeEvent]]) -> ToldInside:
        inside = cls()
        for item in batch:
            kind = (item.message.connection, item.message.entity)
            if kind not in inside._wanted:
                inside._wanted[kind] = list(wanted(configuration, *kind))
            for part, parts in inside._wanted[kind]:
                told = _changes(item.message, part, parts) if item.message.kind == "changed" else ()
                inside.changes += [(Delivered(one, item.record), item) for one in told]
        return inside

    @property
    def keys(self) -> list[Key]:
        """Of the parts, which are locked together with the records that they are in."""
        return [key_of(one.message) for one, _ in self.changes]

    def settled(self, merged: MergedBatch) -> tuple[list[Delivered[ChangeEvent]], list[ReadRequest]]:
        """Once the records that they are in are merged: the changes that hold, and whom a read has to say of whether they are there."""
        there = {key: self._parts(key, state) for key, state in merged.states.items()}
        told = [one for one in self.changes if not merged.states[key_of(one[1].message)].redacted]
        hold = [one for one, of in told if key_of(one.message) in there[key_of(of.message)]]
        doubted = {key_of(one.message): of for one, of in told if key_of(one.message) not in there[key_of(of.message)]}
        asks = [_ask(key, merged.now, traceparent_of(of.record)) for key, of in doubted.items()]
        for key in merged.changed:
            gone = self._parts(key, merged.known[key]) - there[key] - doubted.keys()
            asks += [_ask(one, merged.now, merged.causes[key].traceparent) for one in sorted(gone)]
        return hold, asks

    def _parts(self, key: Key, state: RecordState) -> set[Key]:
        if state.deleted or (kind := (key.connection, key.entity)) not in self._wanted:
            return set()
        return {
            Key(key.connection, part, RecordId(one))
            for part, parts in self._wanted[kind]
            for one in parts.told(key.record, state.fields)
        }


def _ask(key: Key, now: datetime, traceparent: str) -> ReadRequest:
    return ReadRequest(*key, AskedFor.DELETION.value, now, traceparent)


def _changes(change: ChangeEvent, part: Entity, parts: InnerRecords) -> Iterator[ChangeEvent]:
    for id, fields in parts.told(change.record, change.fields).items():
        yield change.model_copy(
            update={
                "id": ChangeEvent.derive_id(change.connection, part, RecordId(id), change.version, change.coverage, dict(fields)),
                "entity": part, "record": RecordId(id), "fields": dict(fields), "run": None,
            }
        )  # fmt: skip


def unread(
    configuration: Configuration, listed: Mapping[Key, tuple[RecordState, Lane, Any]], now: datetime
) -> list[ReadRequest]:
    """The records of the list that have to be read, because what they have inside was told of an older version, or never."""
    return [
        ReadRequest(*key, UNCOVERED, now, lane=lane, version=state.sequence, job=job or "")
        for key, (state, lane, job) in listed.items()
        if any(is_unread(state, parts) for _, parts in wanted(configuration, key.connection, key.entity))
    ]


def is_unread(state: RecordState, parts: InnerRecords) -> bool:
    """What a record has inside was told by itself or not at all: it is no field that a read of former releases can have told."""
    return (
        not (state.deleted or state.redacted)
        and bool(state.fields.get(parts.where))
        and state.lacks_itself(parts.field)
    )


async def locked(
    tx: DbConnection, inner: Mapping[Entity, InnerRecords], keys: Iterable[Key], now: datetime
) -> Mapping[Key, RecordState]:
    """The states of these records, of parts and others; a part's is forgotten where the record that it is in is."""
    return await _of_forgotten(tx, inner, await state_rows.lock(tx, sorted(keys), now))


async def _of_forgotten(
    tx: DbConnection, inner: Mapping[Entity, InnerRecords], states: Mapping[Key, RecordState]
) -> Mapping[Key, RecordState]:
    """The same states; those of parts are forgotten where the record that they are in is, whether anybody knew of them then or not."""
    wholes = {
        key: Key(key.connection, inner[key.entity].of, InnerRecords.whole_of(key.record))
        for key in states
        if key.entity in inner
    }
    gone = {whole for whole in wholes.values() if whole in states and states[whole].redacted}
    others = set(wholes.values()) - states.keys()
    if others:
        gone |= await state_rows.forgotten(tx, others)
    return {key: replace(one, redacted=True) if wholes.get(key) in gone else one for key, one in states.items()}


async def take_apart(
    tx: DbConnection,
    vendor: VendorName,
    connection: ConnectionId,
    part: Entity,
    after: str,
    count: int,
    job: str,
    now: datetime,
) -> tuple[str, list[ReadRequest]]:
    """For a leg that begins to want parts: what stored records have told of theirs becomes theirs, page by page, as of the version by which it
    was told; of the others a read is asked. Returns where the next page begins, empty after the last one. The same again changes nothing."""
    parts = vendor_named(vendor).inner[part]
    pages = await state_rows.lock_page(tx, connection, parts.of, after, count)
    told = [one for key, state in pages.items() for one in _stored(key, state, vendor, part, parts)]
    states = await state_rows.lock(tx, [key_of(one) for one in told], now) if told else {}
    changed = _merged(told, states)
    if changed:
        await state_rows.save(tx, changed, now)
    asks = [
        ReadRequest(*key, UNCOVERED, now, lane=Lane.BACKFILL, version=state.sequence, job=job)
        for key, state in pages.items()
        if is_unread(state, parts)
    ]
    return (max(pages).record if len(pages) == count else ""), asks


def _merged(told: Iterable[ChangeEvent], states: Mapping[Key, RecordState]) -> dict[Key, RecordState]:
    changed = {}
    for one in told:
        before = states[key_of(one)]
        after = merge(before, one).state
        if after != before:
            changed[key_of(one)] = after
    return changed


def _stored(
    key: Key, state: RecordState, vendor: VendorName, part: Entity, parts: InnerRecords
) -> Iterator[ChangeEvent]:
    sequence = state.field_versions.get(parts.field)
    if not sequence or state.deleted or state.redacted:
        return
    version = Version.of_sequence(sequence)
    for id, fields in parts.told(key.record, state.fields).items():
        yield ChangeEvent(
            id=ChangeEvent.derive_id(key.connection, part, RecordId(id), version, "hook", dict(fields)), connection=key.connection, vendor=vendor,
            entity=part, record=RecordId(id), kind="changed", version=version, coverage="hook", fields=dict(fields),
            observed_at=version.stamp, via="backfill", lane=Lane.BACKFILL, place=state.place,
        )  # fmt: skip
