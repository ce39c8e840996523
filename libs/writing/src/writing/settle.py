"""Settles outcomes that nobody saw: after the vendor's horizon one look closes the intent, tells the journal and replaces the snapshot (R2).

Until then the row is on hold and nothing is sent for it; its target keys stay leased. Each row is settled for itself as soon as its look
is there, under a token that is kept alive meanwhile: a slow vendor makes nobody else look too. What the look does not find is journalled
as "not seen by the horizon", because no protocol of ours can stop a request that lands later; the audit, hours later, looks once more
(R4). A look that fails is made again by the schedule of retries, as often as an attempt; one that is refused ends the row at once. Then
nobody knows what the target has: the row becomes a dead letter, its keys go, and whoever opens it again looks first.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from datetime import datetime

import structlog

from common import failpoints
from common.clock import Clock, monotonic, moved_by
from common.contracts.connections import Connection
from common.contracts.ids import Entity
from common.failures import Failure
from common.http.call import Api
from common.http.outage import Outage
from common.metrics import Metrics
from common.state import pool as state
from common.state.pool import Pool, connection, transaction
from common.state.trouble import DatabaseTrouble, trouble_of
from vendors.absorbing import ActDone, Doubted, Seen
from vendors.acts import Done
from vendors.target import Target
from vendors.target_record import TargetRecord
from writing import intents, journal_entries, target_records, verdicts, work_items
from writing.event_judgement import release
from writing.held import Held
from writing.intents import Closing, Intent
from writing.items import Item, Locked, NextState, TargetKey
from writing.lease_renewer import LeaseRenewer
from writing.looks import looked_at
from writing.result_transaction import ResultTransaction, counted
from writing.vendor_code import broken, vendor_code

MOST = 50
NOT_SEEN, NOT_LOOKED = "not_seen", "not_looked"
Found = Mapping[TargetKey, TargetRecord | Failure]
Landed = Mapping[str, Done | Failure | None]

_log = structlog.get_logger(__name__)


class Settler:
    """Looks after rows on hold."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        held: Held,
        targets: Mapping[Entity, Target],
        lease_renewer: LeaseRenewer,
        outage: Outage,
        *,
        metrics: Metrics,
        service: str,
        chance: random.Random,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._held = held
        self._targets = targets
        self._lease_renewer = lease_renewer
        self._outage = outage
        self._metrics = metrics
        self._service = service
        self._chance = chance

    async def settle(self, account: Connection, api: Api, line: asyncio.Semaphore) -> int:
        """Settles what is due; returns how many rows that were."""
        since = monotonic()
        rows = await self._held.claim_held(account.id, MOST)
        if not rows:
            return 0
        # They were taken, so nobody found a gate there: another process may have opened the one that this one remembers.
        self._outage.is_open(account.id)
        with self._lease_renewer.keeping(rows[0].token, since):
            async with connection(self._pool) as link:
                in_flight = await intents.open_of(link, [item.key for item in rows])
            ended = await asyncio.gather(
                *(self._one(item, [i for i in in_flight if i.key == item.key], account, api, line) for item in rows),
                return_exceptions=True,
            )
        for error in ended:
            if isinstance(error, BaseException):
                raise error
        return len(rows)

    async def _one(
        self, item: Item, its: Sequence[Intent], account: Connection, api: Api, line: asyncio.Semaphore
    ) -> None:
        """One row; an error that is about it alone counts as a failed look, and touches no other row."""
        try:
            async with line:
                asked_at, found = self._clock.now(), dict[TargetKey, TargetRecord | Failure]()
                for target in {intent.target for intent in its}:
                    found[target] = await self._look(target, account, api)
                # Within the line: the first that meets a vendor that is away spares it the others.
                outage = await self._outage.is_on(account, [(key.place, one) for key, one in found.items()], api)
            await failpoints.hit("settle.after_look")
            await self._store(item, its, found, asked_at, outage=outage)
        except Exception as error:
            if trouble_of(error) in (DatabaseTrouble.AWAY, DatabaseTrouble.UNFIT):
                raise
            _log.error("writer.look_failed", sync=item.key.sync, record=item.key.record, exc_info=error)
            await self._give_up(item, its, broken(error))

    async def _look(self, target: TargetKey, account: Connection, api: Api) -> TargetRecord | Failure:
        if self._outage.holds_back(account.id, target.place):
            return verdicts.behind_a_gate()
        return await looked_at(self._targets[target.entity], target, api)

    async def _store(
        self, item: Item, its: Sequence[Intent], found: Found, asked_at: datetime, *, outage: bool
    ) -> None:
        """R2: the look's transaction."""
        landed = {intent.attempt: self._landed(intent, found[intent.target]) for intent in its}
        failed = next((one for one in (*found.values(), *landed.values()) if isinstance(one, Failure)), None)
        result = ResultTransaction(self._targets[item.target_entity], self._clock.now())
        async with transaction(self._pool) as tx:
            locked = (await work_items.lock(tx, [item.key]))[item.key]
            if locked.token != item.token:
                return
            if failed is not None:
                await self._failed(tx, result, item, its, failed, locked, outage=outage)
            else:
                result_so_far = await self._settled(tx, result, item, its, found, landed, asked_at)
                self._decide(result, item, locked, result_so_far, seen=any(landed.values()))
            await result.write(tx)
            if result.fates[item.key].state != "hold":
                # R16: what the target told meanwhile is judged now that the write has its end.
                await release(tx, {intent.target for intent in its}, result.target, result.now)
        result.count(self._metrics, self._service)

    def _landed(self, intent: Intent, seen: TargetRecord | Failure) -> Done | Failure | None:
        if isinstance(seen, Failure):
            return seen
        try:
            with vendor_code():
                return self._targets[intent.target.entity].landed(intent.unseen, seen)
        except Failure as failure:
            return failure

    async def _settled(
        self, tx: state.DbConnection, result: ResultTransaction, item: Item, its: Sequence[Intent], found: Found, landed: Landed, asked_at: datetime
    ) -> str:  # fmt: skip
        """Closes the intents, and learns what was seen."""
        known = await target_records.lock(tx, found, result.now)
        result_so_far = item.result_so_far
        for intent in its:
            done = landed[intent.attempt]
            assert not isinstance(done, Failure)
            if done is not None:
                # What the act has made is known from the look, so it holds for the look's own moments.
                fact = ActDone(intent.act, done, asked_at, result.now)
                known[intent.target] = result.target.absorb(known[intent.target], fact).record
                result_so_far = counted(result_so_far, intent.act, changed=True)
            _tell(result, item, intent, landed=done is not None)
        words = {i.attempt: "applied" if landed[i.attempt] else NOT_SEEN for i in its}
        await intents.close(tx, [Closing(i.attempt, i.key, "settled", words[i.attempt]) for i in its], result.now)
        for target, seen in found.items():
            assert isinstance(seen, TargetRecord)
            fact_seen = Seen(seen, asked_at, result.now)
            result.known[target] = result.target.absorb(known[target], fact_seen).record
        return result_so_far

    def _decide(self, result: ResultTransaction, item: Item, locked: Locked, result_so_far: str, *, seen: bool) -> None:
        """R1: whatever the look has shown, the plan is made anew; a newer wish has its turn then as well."""
        if seen:
            result.fates[item.key] = NextState("ready", result.now, result_so_far=result_so_far)
        elif locked.revision > item.revision:
            result.fates[item.key] = NextState(
                "ready",
                result.now,
                attempts=min(item.attempts, verdicts.ATTEMPTS - 1),
                result_so_far=result_so_far,
                call_group=item.call_group,
            )
        else:
            result.end_held(item, verdicts.after_look(item, result.now))

    async def _failed(
        self, tx: state.DbConnection, result: ResultTransaction, item: Item, its: Sequence[Intent], failure: Failure, locked: Locked, *, outage: bool
    ) -> None:  # fmt: skip
        """The look failed: it is made again later, or the row ends here, without anybody knowing what became of its write."""
        at = await tx.fetchval("select now()") + moved_by(self._clock)
        next_state = verdicts.after_failed_look(item, failure, at, self._chance, outage=outage)
        if next_state.state == "hold":
            result.fates[item.key] = next_state
        else:
            await intents.close(tx, [Closing(i.attempt, i.key, "settled", NOT_LOOKED) for i in its], result.now)
            result.entries += [journal_entries.settled_intent(item, intent, result.now, NOT_LOOKED) for intent in its]
            known = await target_records.lock(tx, {intent.target for intent in its}, result.now)
            result.known |= {target: result.target.absorb(one, Doubted()).record for target, one in known.items()}
            # R1: a newer wish looks by its own plan, because what is known is doubtful now.
            newer = locked.revision > item.revision
            result.end_held(item, next_state.overtaken(result.now) if newer else next_state)

    async def _give_up(self, item: Item, its: Sequence[Intent], failure: Failure) -> None:
        """Our own code cannot settle this row: no look will, so it ends where people see it."""
        result = ResultTransaction(self._targets[item.target_entity], self._clock.now())
        async with transaction(self._pool) as tx:
            locked = (await work_items.lock(tx, [item.key]))[item.key]
            if locked.token == item.token:
                await self._failed(tx, result, item, its, failure, locked, outage=False)
                await result.write(tx)
        result.count(self._metrics, self._service)


def _tell(result: ResultTransaction, item: Item, intent: Intent, *, landed: bool) -> None:
    settled = journal_entries.settled_intent(item, intent, result.now, "applied" if landed else NOT_SEEN)
    result.entries.append(settled)
    if landed:
        result.entries.append(journal_entries.applied_intent(item, intent, result.now, "seen"))
