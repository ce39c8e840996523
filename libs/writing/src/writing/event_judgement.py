"""What events of target records come to, one after the other in one transaction that has locked what is known of them.

In: events to whose records nothing is in flight. Out: the journal's rows. Durable with the caller's commit: what is known from now on,
the moves of keys, who has to be planned once more, and the activity of those who live there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import structlog

from common.contracts.ids import Entity
from common.contracts.messages import ChangeEvent
from common.failures import Failure
from common.journal import Entry, Step, write
from common.state.pool import DbConnection, Pool, transaction
from vendors.absorbing import Absorbed, Change, Doubted, Heard, TargetEvent
from vendors.acts import Written
from vendors.target import Target
from vendors.target_record import TargetRecord
from writing import activities, intents, kept_events, past, target_records
from writing.activities import Told
from writing.items import TargetKey
from writing.kept_events import KeptEvent
from writing.rechecks import Concern, ask_concerned
from writing.vendor_code import judged

_log = structlog.get_logger(__name__)


async def judge(tx: DbConnection, target: Target, events: Sequence[KeptEvent], now: datetime) -> list[Entry]:
    """What each of them comes to; the oldest first."""
    if not events:
        return []
    targets = {key for one in events for key in one.keys}
    known = await target_records.read(tx, targets)
    written = await intents.written(tx, targets, min(one.parsed.at for one in events))
    judgement = _Judgement(tx, target, now, known)
    entries = [await judgement.of(one, written[one.where]) for one in events]
    await target_records.save(tx, judgement.changed, now)
    await ask_concerned(tx, judgement.concerns)
    await activities.keep(tx, judgement.told, now)
    return entries


async def release(
    tx: DbConnection, targets: Iterable[TargetKey], target: Target, now: datetime
) -> dict[TargetKey, TargetRecord]:
    """R16: judges what was kept of these records until our writes to them were over; returns what is known of those it was about.

    The caller has locked what is known of them, and has closed the intents in this transaction.
    """
    events = await kept_events.take(tx, targets, target)
    await write(tx, await judge(tx, target, events, now))
    return await target_records.read(tx, {one.where for one in events}) if events else {}


async def release_all(pool: Pool, targets: Mapping[Entity, Target], vendor: str, now: datetime) -> None:
    """The same of whatever was left: a move concerns two records, and an intent may have ended where nobody asked for its events."""
    async with transaction(pool) as tx:
        keys = await kept_events.free(tx, vendor)
        if not keys:
            return
        await target_records.lock(tx, keys, now)
        for entity in {key.entity for key in keys}:
            its, target = [key for key in keys if key.entity == entity], targets[entity]
            events = await kept_events.take(tx, its, target, moved=True)
            await write(tx, await judge(tx, target, events, now))


class _Judgement:
    def __init__(self, tx: DbConnection, target: Target, now: datetime, known: dict[TargetKey, TargetRecord]) -> None:
        self._tx = tx
        self._target = target
        self._now = now
        self._known = known
        self.changed: dict[TargetKey, TargetRecord] = {}
        self.concerns: set[Concern] = set()
        self.told: list[Told] = []

    async def of(self, one: KeptEvent, written: Sequence[Written]) -> Entry:
        where, event = one.where, one.parsed
        old = where._replace(key=event.former_key) if event.former_key else None
        absorbed = self._absorbed(self._known[where], Heard(event, written, self._known[old] if old else None))
        self._learn(where, absorbed.record)
        if old is not None and absorbed.former is not None:
            await past.moved(self._tx, old, event.key)
            self._learn(old, absorbed.former)
        self.concerns |= {Concern(where, who) for who in absorbed.concerns}
        if absorbed.happened is not None:
            self.told.append(Told(one, absorbed.happened))
        assert absorbed.change is not None, "an event comes to something"
        return entry_of(one.event, event, absorbed.change, self._now, source=one.source, trace_id=one.trace_id)

    def _absorbed(self, known: TargetRecord, fact: Heard) -> Absorbed:
        found = judged(lambda: self._target.absorb(known, fact))
        if not isinstance(found, Failure):
            return found
        # It is about this event and nothing else: the record is looked at.
        _log.error("writer.event_not_judged", code=found.code, message=found.message)
        change = Change("received", "edited", fields=tuple(fact.event.values))
        return Absorbed(self._target.absorb(known, Doubted()).record if known.exists else known, change)

    def _learn(self, where: TargetKey, record: TargetRecord) -> None:
        if record != self._known[where]:
            self._known[where] = self.changed[where] = record


def entry_of(
    event: ChangeEvent, parsed: TargetEvent | None, change: Change, now: datetime, *, source: str, trace_id: str
) -> Entry:
    """The journal's row of an event; what it has changed was done by the vendor's side."""
    fields = {"fields": list(change.fields)} if change.fields else {}
    return Entry(
        at=now, step=Step(change.step), reason=change.reason, connection=event.connection, entity=event.entity, record=event.record,
        event_id=event.id, run=event.run or "", trace_id=trace_id, target_key=parsed.key if parsed else "",
        before=change.before, after=change.after, details={"via": event.via, "at": source, **fields},
        who=event.vendor if change.after is not None else "",
    )  # fmt: skip
