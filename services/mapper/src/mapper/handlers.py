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

from collections.abc import Mapping, Sequence
from datetime import timedelta

from common.bus.handler import Delivered
from common.bus.record import RawRecord
from common.clock import Clock
from common.contracts.ids import RunId
from common.contracts.messages import ChangeEvent, Lane
from common.contracts.topics import Topic
from common.failures import Failure
from common.journal import write
from common.state import read_requests
from common.state.configuration import Configuration, ConfigurationReader
from common.state.pool import DbConnection
from common.state.read_requests import ReadRequest
from mapper import coverage, deal_causes, deal_rows, match_index, moved, own_syncs, state_rows
from mapper.entering import enter_changes, enter_lost
from mapper.judging import Judged, judge
from mapper.mappings import Mappings
from mapper.merged_batch import MergedBatch, key_of, traceparent_of
from mapper.pairing import Pairing
from mapper.parts import ToldInside, locked, unread
from mapper.publisher import Publisher
from mapper.state import AskedFor, RecordState
from mapper.state_rows import Key
from mapper.telling import tell
from mapper.wanted_rows import Cause
from vendors.registry import vendor_named
from vendors.vendor import Source

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
        self._told_of: dict[Key, list[Key]] = {}

    def parse(self, record: RawRecord) -> ChangeEvent:
        """Reads one record; what is not a change event becomes a dead letter, byte for byte."""
        return ChangeEvent.model_validate_json(record.value or b"")

    async def store(self, batch: Sequence[Delivered[ChangeEvent]], tx: DbConnection) -> None:
        """One transaction: lock, merge, judge, journal. Repeatable: the same changes again are duplicates."""
        now, keys = self._clock.now(), [key_of(item.message) for item in batch]
        await state_rows.judging(tx, keys)
        merged = MergedBatch(now)
        # Before whom they tell of, by every batch alike: so no two batches wait for each other.
        told = await self._tellers(tx, batch, merged)
        others = [item for item in batch if key_of(item.message) not in merged.states]
        inside = await self._inside(tx, others)
        fed = {*told, *(key_of(item.message) for item in others), *inside.keys}
        if fed:
            merged.add(others, await locked(tx, vendor_named(self.topic.vendor).inner, fed, now))
            merged.gather(told, self._source.feeds)
        parts, doubted = inside.settled(merged)
        for part in parts:
            merged.merge(part)
        batch = [*batch, *parts]
        if merged.changed:
            await state_rows.save(tx, merged.changed, now)
        # R9: read after the locks, so that no older mapping version judges after a newer one, nor a record that no remap can see yet.
        configuration = await self._configuration.read(tx)
        listed = _listed(batch, merged)
        asks = coverage.asks(configuration, self._mappings, listed, now)
        asks += [*unread(configuration, listed, now), *doubted, *(self._request(*one) for one in merged.asks)]
        asks += moved.asks(configuration, self._source, [item.message for item in batch], merged, now)
        if asks:
            await read_requests.ask(tx, asks, now)
        await own_syncs.heed(tx, configuration, merged.changed, now)
        await deal_rows.mark(tx, deal_causes.due(configuration, self._source.feeds, merged.known, merged.changed))
        judged = await self._judge(tx, configuration, batch, merged, told)
        await enter_changes(tx, judged.all, merged.heard, now)
        await write(tx, merged.entries + judged.entries)
        others_told = [*told, *(key_of(part.message) for part in parts)]
        self._told_of |= {key: others_told for key in keys if others_told}

    async def _inside(self, tx: DbConnection, batch: Sequence[Delivered[ChangeEvent]]) -> ToldInside:
        """R9: whoever begins to want parts waits for the batches that have read an older configuration, and goes through what they stored."""
        inside = {parts.of for parts in vendor_named(self.topic.vendor).inner.values()}
        if not any(item.message.entity in inside for item in batch):
            return ToldInside()
        return ToldInside.of(await self._configuration.read(tx), batch)

    @property
    def _source(self) -> Source:
        source = vendor_named(self.topic.vendor).source
        assert source is not None, f"somebody tells of changes of {self.topic.vendor}, which has no source"
        return source

    async def _tellers(
        self, tx: DbConnection, batch: Sequence[Delivered[ChangeEvent]], merged: MergedBatch
    ) -> dict[Key, Cause]:
        """Merges the records that tell of others, and says of whom they tell something else than before."""
        feeds = self._source.feeds
        telling = [item for item in batch if item.message.entity in feeds]
        if not telling:
            return {}
        states = await state_rows.lock(tx, [key_of(item.message) for item in telling], merged.now)
        merged.add(telling, states)
        return await tell(tx, feeds, merged, [item.message for item in telling])

    async def _judge(
        self,
        tx: DbConnection,
        configuration: Configuration,
        batch: Sequence[Delivered[ChangeEvent]],
        merged: MergedBatch,
        told: Mapping[Key, Cause],
    ) -> Judged:
        """The records of the batch, and those of whom they tell where somebody wants to know."""
        states = {
            key: state
            for key, state in merged.states.items()
            if (key in merged.causes or state is not merged.known[key] or _wants_facts(configuration, key))
            and not state.redacted
        }
        causes = {**told, **merged.causes}
        await match_index.tell(tx, configuration, self._mappings, merged.known, merged.changed, batch)
        pairing = await Pairing.of(tx, configuration, self._mappings, states, merged.now)
        pairing.recall({key: merged.known[key] for key in states})
        for item in batch:
            if (key := key_of(item.message)) in states:
                pairing.observe(key, item.message)
        return await judge(
            tx, configuration, self._mappings, states, causes, merged.now, pairing=pairing, unchanged=merged.unchanged
        )

    async def after(self, batch: Sequence[Delivered[ChangeEvent]]) -> None:
        """Publishes what is stored for these records, and for those of whom they tell, whoever stored it."""
        causes = {key_of(item.message): item.record for item in batch}
        told_of = {key for one in causes for key in self._told_of.pop(one, ())}
        await self._publisher.publish([*causes, *(told_of - causes.keys())], causes)

    async def buried(self, letters: Sequence[tuple[RawRecord, Failure]], tx: DbConnection) -> None:
        """A record that a job has read is accounted for in its run, whatever became of it."""
        lost = [(change, failure.code) for record, failure in letters if (change := self._readable(record)) is not None]
        if any(change.run is not None for change, _ in lost):
            await enter_lost(tx, await self._configuration.read(tx), lost, self._clock.now())

    def _readable(self, record: RawRecord) -> ChangeEvent | None:
        """None: nobody knows whose it was."""
        try:
            return self.parse(record)
        except ValueError:
            return None

    def _request(self, item: Delivered[ChangeEvent], ask: AskedFor) -> ReadRequest:
        """R10: an answer settles only after the stamp's second and the vendor's read lag are over."""
        change, now = item.message, self._clock.now()
        since = {AskedFor.UNSETTLED: change.version.stamp, AskedFor.TIE: change.observed_at}.get(ask)
        due = now if since is None else since + self._settle
        traceparent = traceparent_of(item.record)
        return ReadRequest(change.connection, change.entity, change.record, ask.value, due, traceparent)


def _listed(
    batch: Sequence[Delivered[ChangeEvent]], merged: MergedBatch
) -> dict[Key, tuple[RecordState, Lane, RunId | None]]:
    """The records of which a listing has told, as they are now."""
    rows = ((key_of(item.message), item.message) for item in batch if item.message.coverage == "list")
    return {key: (merged.states[key], one.lane, one.run) for key, one in rows}


def _wants_facts(configuration: Configuration, key: Key) -> bool:
    legs = configuration.legs_of(key.connection, key.entity)
    return any(leg.mapping is not None and leg.mapping.facts for leg in legs)
