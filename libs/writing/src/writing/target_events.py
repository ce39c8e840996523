"""Events of the target itself: they change what we know of its records, and never what we wish. Nothing is produced here.

An event is judged field by field (R17): what our newest write of a field has made is its echo, what it has overwritten is past, and what
differs otherwise is in doubt, so that the record is looked at before the next write. While a write to the record is in flight an event
is kept, and judged after the write's end (R16).

Consent is taken for less at once and for more only when the event is certainly the newer one: stamps have a resolution of one second,
and a withdrawal that is counted twice does no harm.

A crash before the commit repeats the batch. After it, every event is a repeat: the same standing at the same time changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from common.bus.handler import Delivered
from common.bus.record import RawRecord
from common.bus.trace import trace_id_of
from common.clock import Clock
from common.contracts.ids import Entity
from common.contracts.messages import ChangeEvent
from common.contracts.topics import Topic
from common.failures import Failure
from common.journal import Entry, Step, write
from common.state.pool import DbConnection, Pool, transaction
from vendors.target import Act, Heard, Target, TargetEvent, TargetRecord, Written
from writing import intents, kept_events, owners, rechecks
from writing import known as knowledge
from writing.items import TargetKey
from writing.kept_events import KeptEvent
from writing.vendor_code import judged

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Learnt:
    """What one event comes to."""

    step: Step
    reason: str
    before: str = ""
    after: str = ""
    fields: tuple[str, ...] = ()


class TargetEventHandler:
    """Consumes the changes that a target vendor tells of itself."""

    def __init__(self, topic: Topic, group: str, targets: Mapping[Entity, Target], clock: Clock) -> None:
        self.topic = topic
        self.group = group
        self._targets = targets
        self._clock = clock

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
            account, of_a_record = accounts.get(item.message.connection, ""), False
            for entity, told in self._told(item.message):
                of_a_record = True
                if (account, told.place) not in ours:
                    # Other audiences of the account are none of our business.
                    entries.append(_entry(_read(item), told, _Learnt(Step.RECEIVED, "no_sync"), now))
                    continue
                where = TargetKey(account, told.place, entity, told.key)
                events[entity].append(KeptEvent(item.message, told, where, item.record.place, trace_id_of(item.record)))
            if not of_a_record:
                # Campaigns neither.
                entries.append(_entry(_read(item), None, _Learnt(Step.RECEIVED, "no_record"), now))
        for entity, its in events.items():
            entries += await self._hear(tx, its, self._targets[entity], now)
        await write(tx, entries)

    def _told(self, event: ChangeEvent) -> Iterator[tuple[Entity, TargetEvent]]:
        """What an event says of records, target by target."""
        for entity, target in self._targets.items():
            told = target.told(event)
            if told is not None:
                yield entity, told

    async def _hear(self, tx: DbConnection, events: Sequence[KeptEvent], target: Target, now: datetime) -> list[Entry]:
        # All at once and in their order, so that two transactions never wait for each other crosswise.
        keys = {key for one in events for key in one.keys}
        known = await knowledge.lock(tx, keys, now)
        in_flight = await intents.open_at(tx, keys)
        waiting, at_once = list[KeptEvent](), list[KeptEvent]()
        for one in events:
            (waiting if _waits(one, known[one.where], in_flight, target) else at_once).append(one)
        await kept_events.keep(tx, waiting, now)
        before = await kept_events.take(tx, keys, target)
        return await Judgement(target, now).of(tx, [*before, *at_once])

    async def after(self, batch: Sequence[Delivered[ChangeEvent]]) -> None:
        """Nothing: what a target tells of itself is no reason to write to it."""


async def release(
    tx: DbConnection, targets: Iterable[TargetKey], target: Target, now: datetime
) -> dict[TargetKey, TargetRecord]:
    """R16: judges what was kept of these records until our writes to them were over; returns what is known of those it was about.

    The caller has locked what is known of them, and has closed the intents in this transaction.
    """
    events = await kept_events.take(tx, targets, target)
    await write(tx, await Judgement(target, now).of(tx, events))
    return await knowledge.read(tx, {one.where for one in events}) if events else {}


async def release_all(pool: Pool, targets: Mapping[Entity, Target], vendor: str, now: datetime) -> None:
    """The same of whatever was left: a move concerns two records, and an intent may have ended where nobody asked for its events."""
    async with transaction(pool) as tx:
        keys = await kept_events.free(tx, vendor)
        if not keys:
            return
        await knowledge.lock(tx, keys, now)
        for entity in {key.entity for key in keys}:
            its, target = [key for key in keys if key.entity == entity], targets[entity]
            events = await kept_events.take(tx, its, target, moved=True)
            await write(tx, await Judgement(target, now).of(tx, events))


class Judgement:
    """Of events of target records that are locked, one after the other, in one transaction."""

    def __init__(self, target: Target, now: datetime) -> None:
        self._target = target
        self._now = now
        self._known: dict[TargetKey, TargetRecord] = {}
        self._since: dict[TargetKey, datetime | None] = {}

    async def of(self, tx: DbConnection, events: Sequence[KeptEvent]) -> list[Entry]:
        """What each of them comes to."""
        if not events:
            return []
        targets = {key for one in events for key in one.keys}
        self._known, self._since = await knowledge.read(tx, targets), await knowledge.standing_since(tx, targets)
        written = await intents.written(tx, targets, min(one.told.at for one in events))
        return [
            _entry(_Read(one.event, one.source, one.trace_id), one.told, await self._learn(tx, one, written[one.where]), self._now)
            for one in events
        ]  # fmt: skip

    async def _learn(self, tx: DbConnection, one: KeptEvent, written: Sequence[Written]) -> _Learnt:
        where, told, now = one.where, one.told, self._now
        known, since = self._known[where], self._since.get(where)
        if told.former_key:
            return await self._moved(tx, where, known, told, now)
        heard = self._heard(known, told, written)
        if known.exists and heard.doubts and not known.doubtful:
            # Somebody edited it: what we agreed on may not be there any more, so it is looked at before the next write.
            known = replace(known, doubtful=True)
            await self._save(tx, where, known, told, now)
        standing = _Learnt(Step.DUPLICATE, told.reason, known.standing, known.standing)
        if told.standing and not (heard.standing_is_ours and not self._raises(known, told)):
            standing = await self._standing(tx, where, known, told, since, now)
            if standing.step is Step.CONSENT:
                return standing
        if heard.doubts:
            return _Learnt(Step.RECEIVED, "edited", known.standing, known.standing, heard.doubts)
        if heard.overwritten:
            # R19: somebody's edit that a write of ours has overwritten before we heard of it.
            return _Learnt(Step.STALE, "overwritten", known.standing, known.standing, heard.overwritten)
        if heard.ours:
            return _Learnt(Step.ECHO, "", known.standing, known.standing)
        return standing if told.standing else _Learnt(Step.RECEIVED, "agrees", known.standing, known.standing)

    def _heard(self, known: TargetRecord, told: TargetEvent, written: Sequence[Written]) -> Heard:
        found = judged(lambda: self._target.heard(known, told, written))
        if isinstance(found, Failure):
            # It is about this event and nothing else: the record is looked at.
            _log.error("writer.event_not_judged", code=found.code, message=found.message)
            return Heard(doubts=tuple(told.values))
        return found

    def _raises(self, known: TargetRecord, told: TargetEvent) -> bool:
        """More than we know of is never our own echo: somebody came back after we wrote."""
        return raises(self._target, known, told)

    async def _standing(
        self,
        tx: DbConnection,
        where: TargetKey,
        known: TargetRecord,
        told: TargetEvent,
        since: datetime | None,
        now: datetime,
    ) -> _Learnt:
        if known.standing == told.standing and known.exists:
            # The same once more is no news for us, and yet the last that was said.
            again = self._target.remember(known, known, told)
            if again.memory != known.memory:
                await self._save(tx, where, again, told, now)
            return _Learnt(Step.DUPLICATE, told.reason, known.standing, known.standing)
        lower = not self._raises(known, told)
        if since is not None and told.at <= since - (knowledge.SKEW if lower else timedelta(0)):
            return _Learnt(Step.STALE, told.reason, known.standing, known.standing)
        # Somebody else archived it, or brought it back: what it was before is not ours to restore.
        # Of one that we have never seen nothing is known but that.
        doubtful = known.doubtful or not known.exists
        learnt = replace(known, exists=True, met=True, standing=told.standing, former="", doubtful=doubtful)
        learnt = self._target.remember(known, learnt, told)
        lifted = known.barred is not None and not lower
        await self._save(tx, where, replace(learnt, barred=None) if lifted else learnt, told, now)
        if lifted:
            # A bar is gone: those who live there have something to say again.
            await rechecks.ask_living(tx, where)
        if lower or learnt.memory != known.memory:
            # The same person may have another address here by now.
            await rechecks.ask_followers(tx, where)
        return _Learnt(Step.CONSENT, told.reason, known.standing, told.standing)

    async def _moved(
        self, tx: DbConnection, where: TargetKey, known: TargetRecord, told: TargetEvent, now: datetime
    ) -> _Learnt:
        """The person has another address now: the consent goes with the person, and no higher than it was on either side."""
        old = where._replace(key=told.former_key)
        former = self._known[old]
        if former.exists is False and known.exists:
            return _Learnt(Step.DUPLICATE, "moved", known.standing, known.standing)
        standings = [one.standing for one in (former, known) if one.standing]
        standing = self._target.lower(standings[0], standings[-1]) if standings else ""
        moved = replace(known, exists=True, met=True, standing=standing, doubtful=True)
        moved = self._target.remember(known, moved, told, inherits=former)
        await owners.moved(tx, old, told.key)
        await self._save(tx, where, moved, told, now)
        await self._save(tx, old, replace(former, exists=False, met=True, standing=""), told, now)
        return _Learnt(Step.CONSENT, "moved", former.standing, standing)

    async def _save(
        self, tx: DbConnection, where: TargetKey, known: TargetRecord, told: TargetEvent, now: datetime
    ) -> None:
        await knowledge.save(tx, {where: known}, now, "target", reason=told.reason, at=told.at)
        if known.standing != self._known[where].standing:
            self._since[where] = told.at if known.standing else None
        self._known[where] = known


def raises(target: Target, known: TargetRecord, told: TargetEvent) -> bool:
    """Whether an event tells of more than we know of."""
    if not told.standing or not known.standing or told.standing == known.standing:
        return False
    return target.lower(known.standing, told.standing) == known.standing


def _waits(one: KeptEvent, known: TargetRecord, in_flight: Mapping[TargetKey, Sequence[Act]], target: Target) -> bool:
    """R16: nothing is judged by what is known while that is about to change; less consent than we know of is taken at once."""
    acts = [act for key in one.keys for act in in_flight.get(key, ())]
    if not acts:
        return False
    told = one.told
    less = bool(told.standing) and told.standing != known.standing and not raises(target, known, told)
    return not less or any(act.standing == told.standing for act in acts)


async def _places(tx: DbConnection) -> tuple[set[tuple[str, str]], dict[str, str]]:
    """Which places of which accounts are ours, and the account of each connection."""
    rows = await tx.fetch(
        "select c.id, c.account, s.place from core.connection c left join core.sync s on s.target_connection = c.id"
    )
    ours = {(row["account"], row["place"]) for row in rows if row["place"] is not None}
    return ours, {row["id"]: row["account"] for row in rows}


@dataclass(frozen=True, slots=True)
class _Read:
    """An event, and where it was read."""

    event: ChangeEvent
    source: str
    trace_id: str


def _read(item: Delivered[ChangeEvent]) -> _Read:
    return _Read(item.message, item.record.place, trace_id_of(item.record))


def _entry(read: _Read, told: TargetEvent | None, learnt: _Learnt, now: datetime) -> Entry:
    event = read.event
    changed = learnt.step is Step.CONSENT
    fields = {"fields": list(learnt.fields)} if learnt.fields else {}
    return Entry(
        at=now, step=learnt.step, reason=learnt.reason, connection=event.connection, entity=event.entity, record=event.record,
        event_id=event.id, run=event.run or "", trace_id=read.trace_id, target_key=told.key if told else "",
        before={"standing": learnt.before} if changed else None, after={"standing": learnt.after} if changed else None,
        details={"via": event.via, "at": read.source, **fields}, who=event.vendor if changed else "",
    )  # fmt: skip
