"""Events of the target itself: they change what we know of its records, and never what we wish. Nothing is produced here.

Consent is taken for less at once and for more only when the event is certainly the newer one: stamps have a resolution of one second,
and a withdrawal that is counted twice does no harm.

A crash before the commit repeats the batch. After it, every event is a repeat: the same standing at the same time changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from common.bus.handler import Delivered
from common.bus.record import RawRecord
from common.bus.trace import trace_id_of
from common.clock import Clock
from common.contracts.messages import ChangeEvent
from common.contracts.topics import Topic
from common.journal import Entry, Step, write
from common.state.pool import Connection
from vendors.target import Known, Target, Told
from writing import intents, items
from writing import known as knowledge
from writing.items import TargetKey

# An echo comes within the vendor's retries of a webhook, about 75 minutes.
ECHO_WITHIN = timedelta(minutes=80)


@dataclass(frozen=True, slots=True)
class _Learnt:
    """What one event comes to."""

    step: Step
    reason: str
    before: str = ""
    after: str = ""


class TargetEventHandler:
    """Consumes the changes that a target vendor tells of itself."""

    def __init__(self, topic: Topic, group: str, target: Target, clock: Clock) -> None:
        self.topic = topic
        self.group = group
        self._target = target
        self._clock = clock

    def parse(self, record: RawRecord) -> ChangeEvent:
        """Reads one record."""
        return ChangeEvent.model_validate_json(record.value or b"")

    async def store(self, batch: Sequence[Delivered[ChangeEvent]], tx: Connection) -> None:
        """One transaction; events of one record in the order in which they came."""
        now = self._clock.now()
        entries = []
        all_told = [(item, self._target.told(item.message)) for item in batch]
        # All at once and in their order, so that two transactions never wait for each other crosswise.
        ours, accounts = await _places(tx)
        wanted = [
            key
            for item, told in all_told
            if told
            for key in self._keys(accounts, item.message, told)
            if key[:2] in ours
        ]
        await knowledge.lock(tx, wanted, now)
        for item, told in all_told:
            if told and (accounts.get(item.message.connection, ""), told.place) not in ours:
                # Other audiences of the account are none of our business.
                entries.append(_entry(item, told, _Learnt(Step.RECEIVED, "no_sync"), now))
                continue
            if told is None:
                entries.append(_entry(item, told, _Learnt(Step.RECEIVED, "no_record"), now))
                continue
            where = self._keys(accounts, item.message, told)[0]
            learnt = await self._learn(tx, where, told, now)
            entries.append(_entry(item, told, learnt, now))
        await write(tx, entries)

    async def after(self, batch: Sequence[Delivered[ChangeEvent]]) -> None:
        """Nothing: what a target tells of itself is no reason to write to it."""

    def _keys(self, accounts: Mapping[str, str], event: ChangeEvent, told: Told) -> list[TargetKey]:
        account = accounts[event.connection]
        keys = (told.key, told.former_key) if told.former_key else (told.key,)
        return [TargetKey(account, told.place, self._target.entity, key) for key in keys]

    async def _learn(self, tx: Connection, where: TargetKey, told: Told, now: datetime) -> _Learnt:
        known, since = await _locked(tx, where)
        if told.former_key:
            return await self._moved(tx, where, known, told, now)
        written = await intents.recent(tx, where, told.at - ECHO_WITHIN)
        if not self._raises(known, told) and any(self._target.echoes(one.act, told) for one in written):
            return _Learnt(Step.ECHO, "", known.standing, known.standing)
        if not told.standing:
            return await self._edited(tx, where, known, told, now)
        return await self._standing(tx, where, known, told, since, now)

    def _raises(self, known: Known, told: Told) -> bool:
        """More than we know of is never our own echo: somebody came back after we wrote."""
        if not told.standing or not known.standing or told.standing == known.standing:
            return False
        return self._target.lower(known.standing, told.standing) == known.standing

    async def _standing(
        self, tx: Connection, where: TargetKey, known: Known, told: Told, since: datetime | None, now: datetime
    ) -> _Learnt:
        if known.standing == told.standing and known.exists:
            return _Learnt(Step.DUPLICATE, told.reason, known.standing, known.standing)
        lower = not self._raises(known, told)
        if since is not None and told.at <= since - (knowledge.SKEW if lower else timedelta(0)):
            return _Learnt(Step.STALE, told.reason, known.standing, known.standing)
        # Somebody else archived it, or brought it back: what it was before is not ours to restore.
        learnt = replace(known, exists=True, met=True, standing=told.standing, former="")
        lifted = known.barred is not None and not lower
        await self._save(tx, where, replace(learnt, barred=None) if lifted else learnt, told, now)
        if lifted:
            await _write_again(tx, where, now)
        return _Learnt(Step.CONSENT, told.reason, known.standing, told.standing)

    async def _moved(self, tx: Connection, where: TargetKey, known: Known, told: Told, now: datetime) -> _Learnt:
        """The person has another address now: the consent goes with the person, and no higher than it was on either side."""
        old = where._replace(key=told.former_key)
        former, _ = await _locked(tx, old)
        if former.exists is False and known.exists:
            return _Learnt(Step.DUPLICATE, "moved", known.standing, known.standing)
        standings = [one.standing for one in (former, known) if one.standing]
        standing = self._target.lower(standings[0], standings[-1]) if standings else ""
        moved = replace(known, exists=True, met=True, standing=standing, doubtful=True)
        await self._save(tx, where, moved, told, now)
        await self._save(tx, old, replace(former, exists=False, met=True, standing=""), told, now)
        return _Learnt(Step.CONSENT, "moved", former.standing, standing)

    async def _edited(self, tx: Connection, where: TargetKey, known: Known, told: Told, now: datetime) -> _Learnt:
        """Somebody edited the member: what we agreed on may not be there any more, so it is looked at before the next write."""
        differs = any(path in told.values and told.values[path] != value for path, value in known.values.items())
        if known.exists and differs and not known.doubtful:
            await self._save(tx, where, replace(known, doubtful=True), told, now)
        return _Learnt(Step.RECEIVED, "edited", known.standing, known.standing)

    async def _save(self, tx: Connection, where: TargetKey, known: Known, told: Told, now: datetime) -> None:
        await knowledge.save(tx, {where: known}, now, "target", reason=told.reason, at=told.at)


async def _places(tx: Connection) -> tuple[set[tuple[str, str]], dict[str, str]]:
    """Which places of which accounts are ours, and the account of each connection."""
    rows = await tx.fetch(
        "select c.id, c.account, s.place from core.connection c left join core.sync s on s.target_connection = c.id"
    )
    ours = {(row["account"], row["place"]) for row in rows if row["place"] is not None}
    return ours, {row["id"]: row["account"] for row in rows}


async def _locked(tx: Connection, where: TargetKey) -> tuple[Known, datetime | None]:
    """The row is locked already; an event before this one may have changed it."""
    since = await tx.fetchval(
        "select standing_at from flow.target_record where (account, place, target_entity, key) = ($1, $2, $3, $4)",
        *where,
    )
    return (await knowledge.read(tx, [where]))[where], since


async def _write_again(tx: Connection, where: TargetKey, now: datetime) -> None:
    """A bar is lifted: those who live there have something to say again."""
    rows = await tx.fetch(
        """
        select w.sync, w.entity, w.record from flow.work_item w
          join flow.target_owner o using (sync, entity, record)
         where (o.account, o.place, o.target_entity, o.key) = ($1, $2, $3, $4) and o.standing = 'live' for update of w skip locked
        """,
        *where,
    )
    await items.reopen(tx, [items.key_of(row) for row in rows], now)


def _entry(item: Delivered[ChangeEvent], told: Told | None, learnt: _Learnt, now: datetime) -> Entry:
    event = item.message
    changed = learnt.step is Step.CONSENT
    return Entry(
        at=now, step=learnt.step, reason=learnt.reason, connection=event.connection, entity=event.entity, record=event.record,
        event_id=event.id, run=event.run or "", trace_id=trace_id_of(item.record), target_key=told.key if told else "",
        before={"standing": learnt.before} if changed else None, after={"standing": learnt.after} if changed else None,
        details={"via": event.via, "at": item.record.place}, who=event.vendor if changed else "",
    )  # fmt: skip
