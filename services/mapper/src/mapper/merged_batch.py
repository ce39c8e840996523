"""A batch of changes, merged into what is known of their records: the states as they are now, what each change was, and what made it so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from common.bus.handler import Delivered
from common.bus.record import RawRecord
from common.contracts.ids import Entity
from common.contracts.messages import ChangeEvent, Version
from common.journal import Entry, Step
from mapper.entering import Jobs, counts
from mapper.judging import trace_id
from mapper.state import AskedFor, MergedState, RecordState, merge
from mapper.state_rows import Key
from mapper.wanted_rows import Cause
from vendors.feeds import Feed


@dataclass(slots=True)
class MergedBatch:
    """What one transaction has merged so far; all of its records are locked."""

    now: datetime
    known: dict[Key, RecordState] = field(default_factory=dict)
    """As they were."""
    states: dict[Key, RecordState] = field(default_factory=dict)
    causes: dict[Key, Cause] = field(default_factory=dict)
    """Of the records that the batch itself tells of."""
    heard: dict[Key, Jobs] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    asks: list[tuple[Delivered[ChangeEvent], AskedFor]] = field(default_factory=list)

    @property
    def changed(self) -> dict[Key, RecordState]:
        return {
            key: state
            for key, state in self.states.items()
            if state is not (known := self.known[key]) and state != known
        }

    @property
    def unchanged(self) -> set[Key]:
        """Those of whom nothing was told that is not known."""
        return {key for key, state in self.states.items() if state is self.known[key]}

    def add(self, items: Sequence[Delivered[ChangeEvent]], locked: Mapping[Key, RecordState]) -> None:
        """Merges changes, in their order, into the states that were locked for them."""
        self.known |= locked
        self.states |= locked
        self.heard |= {key: [] for key in locked}
        for item in items:
            self.merge(item)

    def gather(self, told: Mapping[Key, Cause], feeds: Mapping[Entity, Feed]) -> None:
        """Whoever is named is there from the first time on; a part is what its whole says, and gone when it says no more of it."""
        named = {feed.gathers.into for feed in feeds.values() if feed.gathers is not None}
        parts = {feed.parts.into for feed in feeds.values() if feed.parts is not None}
        are = self._parts(feeds) if parts else {}
        for key, cause in told.items():
            before = self.states[key]
            sequence = Version(stamp=cause.happened_at, settled=True).sequence
            if key.entity in parts and not before.redacted:
                self.states[key] = _part(key, before, are.get(key), max(before.sequence, sequence))
            elif key.entity in named and not before.known:
                self.states[key] = RecordState({"id": key.record}, {"id": sequence}, sequence)

    def _parts(self, feeds: Mapping[Entity, Feed]) -> dict[Key, Mapping[str, Any]]:
        """The parts of the batch's own records."""
        wholes = [
            (key, state, feed.parts)
            for key, state in self.states.items()
            if not state.deleted and (feed := feeds.get(key.entity)) is not None and feed.parts is not None
        ]
        return {
            Key(key.connection, parts.into, part): own
            for key, state, parts in wholes
            for part, own in parts.of(key.record, state.fields).items()
        }

    def merge(self, item: Delivered[ChangeEvent]) -> None:
        """One more change of a record that is locked."""
        key, change = key_of(item.message), item.message
        merged = merge(self.states[key], change)
        traceparent = traceparent_of(item.record)
        self.states[key] = merged.state
        self.causes[key] = Cause(change.version.stamp, change.lane, change.run, change.id, traceparent)
        self.entries.append(_told(item, merged, traceparent, self.now))
        before = self.heard[key]
        if counts(change, merged.verdict, before):
            self.heard[key] = [*before, change.run]
        if merged.ask is not None:
            self.asks.append((item, merged.ask))


def _part(key: Key, before: RecordState, own: Mapping[str, Any] | None, sequence: str) -> RecordState:
    if own is None:
        return replace(before, deleted=True, sequence=sequence)
    fields = {"id": key.record, **own}
    return RecordState(fields, dict.fromkeys(fields, sequence), sequence)


def key_of(change: ChangeEvent) -> Key:
    """The record that a change tells of."""
    return Key(change.connection, change.entity, change.record)


def traceparent_of(record: RawRecord) -> str:
    """The trace that a message is part of."""
    return (record.header("traceparent") or b"").decode("ascii", "replace")


def _told(item: Delivered[ChangeEvent], merged: MergedState, traceparent: str, now: datetime) -> Entry:
    """What the change was to us; a repeat is a row too, so that a replay proves that each record was seen."""
    change = item.message
    return Entry(
        at=now, step=Step(merged.verdict.value), reason=merged.ask or "",
        connection=change.connection, entity=change.entity, record=change.record,
        event_id=change.id, run=change.run or "", trace_id=trace_id(traceparent),
        details={"via": change.via, "coverage": change.coverage, "version": change.version.sequence, "at": item.record.place},
    )  # fmt: skip
