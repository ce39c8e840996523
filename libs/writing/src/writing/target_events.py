"""Events of the target itself: they change what we know of its records, and never what we wish. Nothing is produced here.

In: the changes that a target vendor tells of itself. What one of them says is the target's own to judge (`absorb`); while a write to the
record is in flight the event is kept, and judged after the write's end (R16), unless the target says that it is urgent.

Durable with the commit: the journal's row of every event, what is known of its record, or the event itself where it is kept. A crash
before the commit repeats the batch. After it, every event is a repeat, and the same once more changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from common.bus.handler import Delivered
from common.bus.record import RawRecord
from common.bus.trace import trace_id_of
from common.clock import Clock
from common.contracts.ids import Entity
from common.contracts.messages import ChangeEvent
from common.contracts.topics import Topic
from common.journal import Entry, Step, write
from common.state.pool import DbConnection
from vendors.absorbing import Change, TargetEvent
from vendors.acts import Act
from vendors.target import Target
from vendors.target_record import TargetRecord
from writing import intents, kept_events, target_records
from writing.event_judgement import entry_of, judge
from writing.items import TargetKey
from writing.kept_events import KeptEvent


class TargetEventHandler:
    """Consumes the changes that a target vendor tells of itself."""

    def __init__(
        self, topic: Topic, group: str, targets: Mapping[Entity, Target], clock: Clock, *, wake: Callable[[], None]
    ) -> None:
        """`wake` tells the worker of this process, whose sweep opens what has to be planned once more."""
        self.topic = topic
        self.group = group
        self._targets = targets
        self._clock = clock
        self._wake = wake
        self._is_news = False

    def parse(self, record: RawRecord) -> ChangeEvent:
        """Reads one record."""
        return ChangeEvent.model_validate_json(record.value or b"")

    async def store(self, batch: Sequence[Delivered[ChangeEvent]], tx: DbConnection) -> None:
        """One transaction; events of one record in the order in which they came."""
        now = self._clock.now()
        ours, accounts = await _places(tx)
        entries = list[Entry]()
        events: dict[Entity, list[KeptEvent]] = {entity: [] for entity in self._targets}
        for item in batch:
            account, source, trace_id = _read(item, accounts)
            found = list(self._parsed(item.message))
            for entity, parsed in found:
                places = [place for place in ours.get(account, ()) if parsed.place in ("", place)]
                for place in places:
                    where = TargetKey(account, place, entity, parsed.key)
                    events[entity].append(KeptEvent(item.message, parsed, where, source, trace_id))
                if not places:
                    # Other places of the account are none of our business.
                    change = Change("received", "no_sync")
                    entries.append(entry_of(item.message, parsed, change, now, source=source, trace_id=trace_id))
            if not found:
                change = Change("received", "no_record")
                entries.append(entry_of(item.message, None, change, now, source=source, trace_id=trace_id))
        for entity, its in events.items():
            entries += await self._hear(tx, its, self._targets[entity], now)
        await write(tx, entries)
        self._is_news = any(entry.step is not Step.ECHO for entry in entries)

    def _parsed(self, event: ChangeEvent) -> Iterator[tuple[Entity, TargetEvent]]:
        """What an event says of records, target by target."""
        for entity, target in self._targets.items():
            parsed = target.parsed(event)
            if parsed is not None:
                yield entity, parsed

    async def _hear(self, tx: DbConnection, events: Sequence[KeptEvent], target: Target, now: datetime) -> list[Entry]:
        # All at once and in their order, so that two transactions never wait for each other crosswise.
        keys = {key for one in events for key in one.keys}
        known = await target_records.lock(tx, keys, now)
        in_flight = await intents.open_at(tx, keys)
        waiting, at_once = list[KeptEvent](), list[KeptEvent]()
        for one in events:
            (waiting if _waits(one, known[one.where], in_flight, target) else at_once).append(one)
        await kept_events.keep(tx, waiting, now)
        before = await kept_events.take(tx, keys, target)
        return await judge(tx, target, [*before, *at_once], now)

    async def after(self, batch: Sequence[Delivered[ChangeEvent]]) -> None:
        """Whoever is concerned by what is no echo of ours may have to be planned again: whoever sweeps looks soon."""
        if self._is_news:
            self._wake()


def _waits(one: KeptEvent, known: TargetRecord, in_flight: Mapping[TargetKey, Sequence[Act]], target: Target) -> bool:
    """R16: nothing is judged by what is known while that is about to change."""
    acts = [act for key in one.keys for act in in_flight.get(key, ())]
    return bool(acts) and not target.urgent(known, one.parsed, acts)


def _read(item: Delivered[ChangeEvent], accounts: Mapping[str, str]) -> tuple[str, str, str]:
    """The account that an event is of, where it was read, and the trace that it belongs to."""
    return accounts.get(item.message.connection, ""), item.record.place, trace_id_of(item.record)


async def _places(tx: DbConnection) -> tuple[Mapping[str, set[str]], dict[str, str]]:
    """Which places of which accounts are ours, and the account of each connection."""
    rows = await tx.fetch(
        "select c.id, c.account, l.target_place as place from core.connection c left join core.leg l on l.target_connection = c.id"
    )
    ours = defaultdict[str, set[str]](set)
    for row in rows:
        if row["place"] is not None:
            ours[row["account"]].add(row["place"])
    return ours, {row["id"]: row["account"] for row in rows}
