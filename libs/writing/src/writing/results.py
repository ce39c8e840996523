"""The two transactions around a call: the intents before it, and its result with one verdict per row (R3, R5)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from common.clock import Clock
from common.failures import Failure, FailureClass
from common.metrics import Metrics
from common.state import pool as state
from common.state.pool import Pool, transaction
from vendors.target import Act, Done, Known, Nothing, NotSent, Seen, Skip, Target, Verdict
from writing import intents, items, links, telling, verdicts
from writing import known as knowledge
from writing.claimed import Claimed
from writing.intents import Closing, intent_of
from writing.items import Fate, ItemKey, Locked
from writing.queue import still_mine
from writing.sheet import Sheet
from writing.target_events import release
from writing.telling import Reply

Batch = Sequence[tuple[Claimed, Act]]


class Sent(NamedTuple):
    """One call with its name and its answer, row by row."""

    name: str
    batch: Batch
    verdicts: Sequence[Verdict]
    reply: Reply
    at: datetime
    """When its intents were stored."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The vendor's horizon for calls that nobody saw the end of (R2), and how long a lease lasts."""

    horizon: timedelta
    lease: timedelta


class Results:
    """Stores what is about to be sent and what came of it."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        target: Target,
        terms: Terms,
        *,
        metrics: Metrics,
        service: str,
        chance: random.Random,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._target = target
        self._terms = terms
        self._metrics = metrics
        self._service = service
        self._chance = chance

    async def intend(self, name: str, batch: Batch) -> tuple[Batch, datetime]:
        """R3: stores the intents of those rows that are still ours, and says which, and when that was."""
        now = self._clock.now()
        until = now + self._terms.horizon
        async with transaction(self._pool) as tx:
            mine = await still_mine(tx, [row.item for row, _ in batch], self._terms.lease)
            kept = [(row, act) for row, act in batch if row.item.key in mine]
            if not kept:
                return (), now
            await links.reserve(tx, [row.item for row, act in kept if act.key == row.item.target_key], "email", now)
            await intents.store(tx, [intent_of(name, row.item, act, row.before(act), now, until) for row, act in kept])
            await _remember_former(tx, kept, now, self._service)
        return kept, now

    async def store(self, sent: Sent, facts: object | None) -> list[Claimed]:
        """One transaction per call; returns the rows that go on with another step."""
        sheet = Sheet(self._clock.now(), self._service)
        async with transaction(self._pool) as tx:
            locked = await items.lock(tx, [row.item.key for row, _ in sent.batch])
            before = [row.before(act) for row, act in sent.batch]
            open_until_now = await intents.close(tx, _closings(sent), sheet.now)
            await _refresh(tx, sent.batch, sheet.now)
            for (row, act), verdict, was in zip(sent.batch, sent.verdicts, before, strict=True):
                if locked[row.item.key].token == row.item.token:
                    self._tell(sheet, sent, row, act, verdict, was)
                    self._judge(sheet, sent, row, act, verdict, facts, locked[row.item.key])
                elif (sent.name, row.item.key) in open_until_now or (
                    isinstance(verdict, Done) and await _was_not_seen(tx, sent.name, row.item.key)
                ):
                    # The attempt itself is closed even when the row belongs to somebody else by now.
                    self._tell(sheet, sent, row, act, verdict, was)
                    await _doubt(tx, row, act, sheet.now)
            await sheet.write(tx)
            await self._release(tx, sheet, sent)
        sheet.count(self._metrics, self._service)
        return sheet.going_on

    async def _release(self, tx: state.Connection, sheet: Sheet, sent: Sent) -> None:
        """R16: events that came during the call are judged now that it is over, and before anything else is planned."""
        told = await release(tx, {row.target(act.key) for row, act in sent.batch}, self._target, sheet.now)
        for row in sheet.going_on:
            row.known.update({key: told[row.target(key)] for key in row.known if row.target(key) in told})

    async def end(self, ended: Sequence[tuple[Claimed, Nothing | Skip | Failure]]) -> None:
        """Rows that need no call, or that failed before one."""
        sheet = Sheet(self._clock.now(), self._service)
        async with transaction(self._pool) as tx:
            locked = await items.lock(tx, [row.item.key for row, _ in ended])
            for row, step in ended:
                now = locked[row.item.key]
                if now.token != row.item.token:
                    continue
                if isinstance(step, Failure):
                    sheet.fail(row, verdicts.after_failure(step, now.attempts, sheet.now, self._chance), now)
                else:
                    sheet.finish(row, step, now)
            await sheet.write(tx)
        sheet.count(self._metrics, self._service)

    def now(self) -> datetime:
        """Business time."""
        return self._clock.now()

    async def give_back(self, rows: Sequence[Claimed]) -> None:
        """Rows that this process will not bring to their end: nothing of theirs is in flight, so anybody may have them at once."""
        sheet = Sheet(self._clock.now(), self._service)
        async with transaction(self._pool) as tx:
            locked = await items.lock(tx, [row.item.key for row in rows])
            for row in rows:
                now = locked[row.item.key]
                if now.token == row.item.token:
                    sheet.fates[row.item.key] = Fate("ready", sheet.now, attempts=now.attempts, did=row.did)
            await sheet.write(tx)

    async def learn(self, seen: Sequence[tuple[Claimed, str, Known]], asked_at: datetime) -> None:
        """What looks have shown replaces what was agreed (R2)."""
        sheet = Sheet(self._clock.now(), "look")
        async with transaction(self._pool) as tx:
            current = await knowledge.lock(tx, [row.target(key) for row, key, _ in seen], sheet.now)
            for row, key, found in seen:
                known = current[row.target(key)]
                learnt = knowledge.after_look(known, found)
                learnt = knowledge.guarded(known, learnt, asked_at, self._target.lower)
                sheet.learn(row, key, self._target.remember(known, learnt, Seen(asked_at, sheet.now)))
                row.fresh.add(key)
            await sheet.write(tx)

    def _tell(self, sheet: Sheet, sent: Sent, row: Claimed, act: Act, verdict: Verdict, before: object) -> None:
        failure = verdict if isinstance(verdict, Failure) else None
        if isinstance(verdict, NotSent) or (failure is not None and never_sent(failure)):
            return
        sheet.entries.append(telling.attempt(row.item, act, sent.name, sent.reply, failure, sheet.now))
        if isinstance(verdict, Done) and verdict.changed:
            assert isinstance(before, dict)
            sheet.entries.append(telling.applied(row.item, act, sent.name, before, sheet.now))

    def _judge(
        self, sheet: Sheet, sent: Sent, row: Claimed, act: Act, verdict: Verdict, facts: object | None, locked: Locked
    ) -> None:
        known = row.known.get(act.key, Known())
        match verdict:
            case Done():
                learnt = knowledge.after(known, act, verdict)
                learnt = knowledge.guarded(known, learnt, sent.at, self._target.lower)
                sheet.learn(row, act.key, self._target.remember(known, learnt, Seen(sent.at, sheet.now, act)))
                row.did = did_after(row.did, act, changed=verdict.changed)
            case NotSent():
                pass
            case Failure() as failure:
                barred = verdicts.barred_by(failure, self._target.bars)
                if barred is None:
                    self._fail(sheet, sent, row, act, failure, locked)
                    return
                sheet.learn(row, act.key, replace(known, barred=barred))
        # What was seen before the call may have changed during it.
        row.fresh.clear()
        step = row.step(self._target, facts)
        if isinstance(step, Nothing | Skip):
            sheet.finish(row, step, locked)
        else:
            sheet.go_on(row, locked)

    def _fail(self, sheet: Sheet, sent: Sent, row: Claimed, act: Act, failure: Failure, locked: Locked) -> None:
        if failure.kind in (FailureClass.UNKNOWN, FailureClass.CONFLICT):
            sheet.learn(row, act.key, replace(row.known.get(act.key, Known()), doubtful=True))
        if failure.kind is FailureClass.UNKNOWN:
            # R4: somebody looks once more, hours later.
            sheet.audits[row.target(act.key)] = row.item.key
        until = sent.at + self._terms.horizon
        fate = verdicts.after_failure(failure, locked.attempts, sheet.now, self._chance, hold_until=until)
        sheet.fail(row, fate, locked, name=sent.name)


def never_sent(failure: Failure) -> bool:
    """Whether nothing left this machine: waiting for quota or for a token is no attempt at the vendor."""
    own = failure.kind in (FailureClass.RATE_LIMITED, FailureClass.UNAUTHORISED) and failure.vendor_status is None
    return own or failure.code in verdicts.NEVER_SENT


def did_after(did: str, act: Act, *, changed: bool) -> str:
    """Added or updated: what people count."""
    return did if did == "added" or not changed else "added" if act.action == "create" else "updated"


def _closings(sent: Sent) -> list[Closing]:
    found = [
        Closing(sent.name, row.item.key, "settled", _verdict_word(verdict), _stamp(verdict))
        for (row, _), verdict in zip(sent.batch, sent.verdicts, strict=True)
    ]
    return [one for one in found if one.verdict != "unknown"]


def _stamp(verdict: Verdict) -> datetime | None:
    return verdict.stamp if isinstance(verdict, Done) else None


def _verdict_word(verdict: Verdict) -> str:
    match verdict:
        case Done():
            return "applied" if verdict.changed else "unchanged"
        case NotSent():
            return "not_sent"
        case Failure():
            # R2: this intent stays `sent`, it is still in flight.
            return "unknown" if verdict.kind is FailureClass.UNKNOWN else "refused"


async def _refresh(tx: state.Connection, batch: Batch, now: datetime) -> None:
    """What is known now, locked: an event may have told more than what was known when the rows were taken."""
    current = await knowledge.lock(tx, [row.target(act.key) for row, act in batch], now)
    for row, act in batch:
        row.known[act.key] = current[row.target(act.key)]


async def _remember_former(tx: state.Connection, batch: Batch, now: datetime, who: str) -> None:
    """An archived contact does not tell what it was, so what it is now is kept before it is archived."""
    archives = [(row, act) for row, act in batch if act.action == "archive"]
    await _refresh(tx, archives, now)
    for row, act in archives:
        row.known[act.key] = replace(row.known[act.key], former=row.known[act.key].standing)
    await knowledge.save(tx, {row.target(act.key): row.known[act.key] for row, act in archives}, now, who)


async def _was_not_seen(tx: state.Connection, name: str, key: ItemKey) -> bool:
    """Whether a look has settled this intent as not applied: then the late answer corrects it."""
    word: str | None = await tx.fetchval(
        """
        update flow.write_intent set verdict = 'applied'
         where attempt = $1 and sync = $2 and entity = $3 and record = $4 and verdict = 'not_seen' returning attempt
        """,
        name,
        *key,
    )
    return word is not None


async def _doubt(tx: state.Connection, row: Claimed, act: Act, now: datetime) -> None:
    """A late answer: what is known of the target may be wrong, so it is looked at before anything is decided."""
    await knowledge.doubt(tx, row.target(act.key), now)
    await items.reopen(tx, [row.item.key], now)
