"""Change events become wanted documents, and wanted documents become commands.

In: change events. Out: commands, each with the id of its revision. Durable with one transaction a batch: every record merged into what
we know of it, what every leg wants of it under a revision that only grows, and what the journal says of each change. Commands are sent
after it, from what is stored. No vendor is called.

A crash before the commit leaves nothing: the batch is read again. A crash between the commit and the send leaves stored revisions
that are not published: the repeat of the batch finds its changes to be duplicates and publishes what is stored, and so does the
republisher if the batch never comes again. A crash after the send and before the offsets sends the same commands twice: same
revision, same command id, and the intake changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from common.bus.handler import Delivered
from common.bus.record import RawRecord
from common.clock import Clock
from common.contracts.ids import RunId
from common.contracts.messages import ChangeEvent
from common.contracts.topics import Topic
from common.journal import Entry, Step, write
from common.state import read_requests
from common.state.configuration import ConfigurationReader
from common.state.pool import DbConnection
from common.state.read_requests import ReadRequest
from mapper import state_rows
from mapper.entering import counts, enter_changes
from mapper.judging import judge, trace_id
from mapper.mappings import Mappings
from mapper.pairing import Pairing
from mapper.publisher import Publisher
from mapper.state import AskedFor, MergedState, merge
from mapper.state_rows import Key
from mapper.wanted_rows import Cause

GROUP = "mapper"


class ChangeHandler:
    """Consumes the changes of one vendor."""

    group = GROUP

    def __init__(
        self,
        topic: Topic,
        *,
        clock: Clock,
        configuration: ConfigurationReader,
        mappings: Mappings,
        publisher: Publisher,
        settle: timedelta,
    ) -> None:
        self.topic = topic
        self._clock = clock
        self._configuration = configuration
        self._mappings = mappings
        self._publisher = publisher
        self._settle = settle

    def parse(self, record: RawRecord) -> ChangeEvent:
        """Reads one record; what is not a change event becomes a dead letter, byte for byte."""
        return ChangeEvent.model_validate_json(record.value or b"")

    async def store(self, batch: Sequence[Delivered[ChangeEvent]], tx: DbConnection) -> None:
        """One transaction: lock, merge, judge, journal. Repeatable: the same changes again are duplicates."""
        now, keys = self._clock.now(), [_key(item.message) for item in batch]
        await state_rows.judging(tx, keys)
        states = await state_rows.lock(tx, keys, now)
        known = dict(states)
        causes: dict[Key, Cause] = {}
        entries: list[Entry] = []
        asks: list[ReadRequest] = []
        heard: dict[Key, list[RunId | None]] = {key: [] for key in keys}
        for item in batch:
            key = _key(item.message)
            merged = merge(states[key], item.message)
            states[key], causes[key] = merged.state, _cause(item)
            entries.append(replace(_told(item, merged), at=now))
            if counts(item.message, merged.verdict, heard[key]):
                heard[key].append(item.message.run)
            if merged.ask is not None:
                asks.append(self._request(item, merged.ask))
        changed = {key: state for key, state in states.items() if state != known[key]}
        if changed:
            await state_rows.save(tx, changed, now)
        if asks:
            await read_requests.ask(tx, asks, now)
        # R9: read after the locks, so that no older mapping version judges after a newer one, nor a record that no remap can see yet.
        configuration = await self._configuration.read(tx)
        pairing = await Pairing.of(tx, configuration, self._mappings, states, now)
        pairing.recall(known)
        for item in batch:
            pairing.observe(_key(item.message), item.message)
        judged = await judge(tx, configuration, self._mappings, states, causes, now, pairing=pairing)
        await enter_changes(tx, judged.all, heard, now)
        await write(tx, entries + judged.entries)

    async def after(self, batch: Sequence[Delivered[ChangeEvent]]) -> None:
        """Publishes what is stored for these records, whoever stored it."""
        causes = {_key(item.message): item.record for item in batch}
        await self._publisher.publish(list(causes), causes)

    def _request(self, item: Delivered[ChangeEvent], ask: AskedFor) -> ReadRequest:
        """R10: an answer settles only after the stamp's second and the vendor's read lag are over."""
        change, now = item.message, self._clock.now()
        since = {AskedFor.UNSETTLED: change.version.stamp, AskedFor.TIE: change.observed_at}.get(ask)
        due = now if since is None else since + self._settle
        traceparent = _traceparent(item.record)
        return ReadRequest(change.connection, change.entity, change.record, ask.value, due, traceparent)


def _key(change: ChangeEvent) -> Key:
    return Key(change.connection, change.entity, change.record)


def _cause(item: Delivered[ChangeEvent]) -> Cause:
    change = item.message
    return Cause(change.version.stamp, change.lane, change.run, change.id, _traceparent(item.record))


def _traceparent(record: RawRecord) -> str:
    return (record.header("traceparent") or b"").decode("ascii", "replace")


def _told(item: Delivered[ChangeEvent], merged: MergedState) -> Entry:
    """What the change was to us; a repeat is a row too, so that a replay proves that each record was seen."""
    change = item.message
    return Entry(
        at=change.observed_at, step=Step(merged.verdict.value), reason=merged.ask or "",
        connection=change.connection, entity=change.entity, record=change.record,
        event_id=change.id, run=change.run or "", trace_id=trace_id(_traceparent(item.record)),
        details={"via": change.via, "coverage": change.coverage, "version": change.version.sequence, "at": item.record.place},
    )  # fmt: skip
