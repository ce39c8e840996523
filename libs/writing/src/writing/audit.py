"""The late look (R4): hours after an outcome that nobody saw, each target record is looked at once more.

On a target that overwrites blindly, a request that lands later than the vendor's horizon overwrites a newer one. Nothing can prevent
that; this finds it, and has it put right:

somebody lives there    they are ready again, and the plan of whoever writes puts right what differs
nobody does, our doing  a write of ours has brought the record back after everybody had left: who sent it leaves once more, and archives it
nobody does, not ours   what a person did there is left alone

While anybody works on the record the look waits: it would see half of what they do. A look that fails is made again, ever later, and
ends as the vendor's words in the journal, with those who live there ready to look for themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from common.clock import Clock
from common.contracts.ids import ConnectionId, Entity
from common.contracts.messages import Lane
from common.failures import Failure, FailureClass
from common.http.call import Api
from common.journal import Step
from common.retries import NEVER_SENT
from common.state import pool as state
from common.state.pool import Pool, transaction
from vendors.absorbing import Seen, ToBeSent
from vendors.target import Target
from vendors.target_record import TargetRecord
from writing import audits, intents, items, journal_entries, leases, owners, target_records, work_items
from writing.audits import Owed
from writing.intent import Intent
from writing.items import ItemKey
from writing.leaving import leave_again
from writing.looks import looked, together
from writing.result_transaction import ResultTransaction
from writing.vendor_code import judged

MOST = 20
LOOKS = 10
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
# Somebody is at work there.
BUSY_PAUSE = timedelta(seconds=30)
# A record that nobody can look at, and that nobody lives under, is tried once a day; its journal has said so.
GIVEN_UP_PAUSE = timedelta(days=1)

_log = structlog.get_logger(__name__)


async def audit(
    pool: Pool, clock: Clock, targets: Mapping[Entity, Target], held_by: ConnectionId, api: Api, line: asyncio.Semaphore
) -> int:
    """R4: makes the looks that are due, each for itself; returns how many those were."""
    async with transaction(pool) as tx:
        due = await audits.take(tx, held_by, clock.now(), MOST)
    auditors = {entity: _Auditor(pool, clock, target, api, line) for entity, target in targets.items()}
    owing = {owed.target: owed for owed in due}
    looks = [auditors[keys[0].entity].look([owing[key] for key in keys]) for keys in together(owing, targets)]
    ended = await asyncio.gather(*looks, return_exceptions=True)
    for error in ended:
        if isinstance(error, BaseException):
            raise error
    return len(due)


class _Auditor:
    def __init__(self, pool: Pool, clock: Clock, target: Target, api: Api, line: asyncio.Semaphore) -> None:
        self._pool = pool
        self._clock = clock
        self._target = target
        self._api = api
        self._line = line

    async def look(self, some: Sequence[Owed]) -> None:
        """Records of one place, in one look; what fails afterwards is about each of them alone."""
        async with self._line:
            asked_at = self._clock.now()
            keys = [owed.target.key for owed in some]
            # Hours later: nobody waits for it.
            found = await looked(self._target, some[0].target.place, keys, self._api, Lane.BACKFILL)
        stored = [self._store(owed, found[owed.target.key], asked_at) for owed in some]
        ended = await asyncio.gather(*stored, return_exceptions=True)
        for error in ended:
            if isinstance(error, BaseException):
                raise error

    async def _store(self, owed: Owed, seen: TargetRecord | Failure, asked_at: datetime) -> None:
        async with transaction(self._pool) as tx:
            result = ResultTransaction(self._target, self._clock.now())
            if isinstance(seen, Failure):
                await self._failed(tx, result, owed, seen)
            else:
                await self._judge(tx, result, owed, Seen(seen, asked_at, result.now))
            await result.write(tx)

    async def _judge(self, tx: state.DbConnection, result: ResultTransaction, owed: Owed, found: Seen) -> None:
        unseen = await intents.unseen_at(tx, owed.target)
        held = await _hold(tx, owed, unseen, found.since)
        if isinstance(held, timedelta):
            await audits.put_off(tx, owed.target, owed.looks, result.now + held)
            return
        living, row = held
        known = (await target_records.lock(tx, [owed.target], result.now))[owed.target]
        judgement = judged(lambda: self._compare(unseen, known, found.record))
        if isinstance(judgement, Failure):
            await leases.release(tx, [owed.key])
            await self._failed(tx, result, owed, judgement)
            return
        drift, late = judgement
        back = next((one.key for one in late if not living and self._target.brings(one.act)), None)
        for intent in late[:1]:
            # As before any call: what the act makes unknowable has to be kept, and it was sent before what we know now.
            known = result.absorb(owed.target, known, ToBeSent(intent.act))
        result.absorb(owed.target, known, found)
        await self._proved(tx, result, row, late)
        if back is not None and await leave_again(tx, owed.target, back, result.now):
            living = [back]
        if drift:
            await work_items.reopen(tx, living, result.now)
        _tell(result, row, owed, "agrees" if not drift else "drift" if living else "not_ours")
        await audits.done(tx, owed.target)
        await leases.release(tx, [owed.key])

    def _compare(self, unseen: Sequence[Intent], known: TargetRecord, seen: TargetRecord) -> tuple[bool, list[Intent]]:
        """Whether the target has drifted, and which of our writes may have done it."""
        drift = self._target.drifted(known, seen)
        return drift, [one for one in unseen if drift and self._target.late(one.unseen, known, seen)]

    async def _proved(
        self, tx: state.DbConnection, result: ResultTransaction, row: Any, late: Sequence[Intent]
    ) -> None:
        """What was journalled as not seen has landed after all; the newest of those that would make it so is the one."""
        for intent in late[:1]:
            await intents.correct(tx, intent, result.now)
            its = items.item_of(row) if intent.key == items.key_of(row) else items.item_of(await _row(tx, intent.key))
            result.entries.append(journal_entries.applied_intent(its, intent, result.now, "late"))

    async def _failed(self, tx: state.DbConnection, result: ResultTransaction, owed: Owed, failure: Failure) -> None:
        """The look is owed still. What says nothing about the record costs it no look."""
        counts = failure.kind not in (FailureClass.RATE_LIMITED, FailureClass.UNAUTHORISED)
        looks = owed.looks + 1 if counts and failure.code not in NEVER_SENT else owed.looks
        ends = failure.kind in (FailureClass.REJECTED, FailureClass.BUG) or looks >= LOOKS
        if not ends:
            pause = min(FIRST_PAUSE * 2 ** max(looks - 1, 0), LONGEST_PAUSE)
            await audits.put_off(tx, owed.target, looks, failure.retry_at or result.now + pause)
            return
        await self._give_up(tx, result, owed, failure)

    async def _give_up(self, tx: state.DbConnection, result: ResultTransaction, owed: Owed, failure: Failure) -> None:
        """Those who live there look for themselves, and fail as every record does; else the journal says what is not known."""
        _log.error("writer.audit_failed", sync=owed.key.sync, record=owed.key.record, code=failure.code)
        row = await _row(tx, owed.key)
        if row is not None and owed.looks < LOOKS:
            _tell(result, row, owed, failure.code, failure.vendor_words or failure.message)
        living = await owners.of(tx, owed.target)
        locked = await work_items.lock(tx, living)
        if not living:
            await audits.put_off(tx, owed.target, LOOKS, result.now + GIVEN_UP_PAUSE)
        elif any(one.state in ("leased", "hold") for one in locked.values()):
            await audits.put_off(tx, owed.target, LOOKS, result.now + BUSY_PAUSE)
        else:
            await target_records.doubt(tx, self._target, owed.target, result.now)
            await work_items.reopen(tx, living, result.now)
            await audits.done(tx, owed.target)


async def _hold(
    tx: state.DbConnection, owed: Owed, unseen: Sequence[Intent], asked_at: datetime
) -> tuple[list[ItemKey], Any] | timedelta:
    """Locks everybody who has to do with the target record, and its lease.

    Where anybody is at work there or has been since, or where others live there now: how long to wait with the next look.
    """
    living = await owners.of(tx, owed.target)
    locked = await work_items.lock(tx, {owed.key, *living, *(intent.key for intent in unseen)})
    at_work = any(one.state in ("leased", "hold") for one in locked.values())
    changed = await target_records.changed_since(tx, owed.target, asked_at)
    if at_work or changed or not await leases.take_one(tx, owed.target, owed.key):
        return BUSY_PAUSE
    if await owners.of(tx, owed.target) != living:
        await leases.release(tx, [owed.key])
        return timedelta()
    return living, await _row(tx, owed.key)


async def _row(tx: state.DbConnection, key: ItemKey) -> Any | None:
    query = f"select w.*, {items.ACCOUNTS} from flow.work_item w where (w.sync, w.entity, w.record) = ($1, $2, $3)"  # noqa: S608
    return await tx.fetchrow(query, *key)


def _tell(result: ResultTransaction, row: Any, owed: Owed, reason: str, words: str = "") -> None:
    item = items.item_of(row)
    result.entries.append(
        journal_entries.entry(item, Step.AUDITED, result.now, reason=reason, words=words, target_key=owed.target.key)
    )
