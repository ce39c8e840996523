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
from common.failures import Failure
from common.http.call import Api
from common.http.outage import Outage
from common.metrics import Metrics
from common.state import pool as state
from common.state.pool import Pool, connection, transaction
from common.state.trouble import Trouble, trouble_of
from vendors.target import Done, Known, Seen, Target
from writing import intents, items, telling, verdicts
from writing import known as knowledge
from writing.caller import looked
from writing.heartbeat import Heartbeat
from writing.held import Held
from writing.intents import Closing, Intent
from writing.items import Fate, Item, Locked, TargetKey
from writing.results import did_after
from writing.sheet import Sheet
from writing.target_events import release
from writing.vendor_code import broken, vendor_code

MOST = 50
NOT_SEEN, NOT_LOOKED = "not_seen", "not_looked"
Found = Mapping[TargetKey, Known | Failure]
Landed = Mapping[str, Done | Failure | None]

_log = structlog.get_logger(__name__)


class Settler:
    """Looks after rows on hold."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        held: Held,
        target: Target,
        heartbeat: Heartbeat,
        outage: Outage,
        *,
        metrics: Metrics,
        service: str,
        chance: random.Random,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._held = held
        self._target = target
        self._heartbeat = heartbeat
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
        with self._heartbeat.keeping(rows[0].token, since):
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
                asked_at, found = self._clock.now(), dict[TargetKey, Known | Failure]()
                for target in {intent.target for intent in its}:
                    found[target] = await self._look(target, account, api)
                # Within the line: the first that meets a vendor that is away spares it the others.
                outage = await self._outage.is_on(account, [(key.place, one) for key, one in found.items()], api)
            await failpoints.hit("settle.after_look")
            await self._store(item, its, found, asked_at, outage=outage)
        except Exception as error:
            if trouble_of(error) in (Trouble.AWAY, Trouble.UNFIT):
                raise
            _log.error("writer.look_failed", sync=item.key.sync, record=item.key.record, exc_info=error)
            await self._give_up(item, its, broken(error))

    async def _look(self, target: TargetKey, account: Connection, api: Api) -> Known | Failure:
        if self._outage.holds_back(account.id, target.place):
            return verdicts.behind_a_gate()
        return await looked(self._target, target.place, target.key, api)

    async def _store(
        self, item: Item, its: Sequence[Intent], found: Found, asked_at: datetime, *, outage: bool
    ) -> None:
        """R2: the look's transaction."""
        landed = {intent.attempt: self._landed(intent, found[intent.target]) for intent in its}
        failed = next((one for one in (*found.values(), *landed.values()) if isinstance(one, Failure)), None)
        sheet = Sheet(self._clock.now(), "look")
        async with transaction(self._pool) as tx:
            locked = (await items.lock(tx, [item.key]))[item.key]
            if locked.token != item.token:
                return
            if failed is not None:
                await self._failed(tx, sheet, item, its, failed, locked, outage=outage)
            else:
                did = await self._settled(tx, sheet, item, its, found, landed, asked_at)
                self._decide(sheet, item, locked, did, seen=any(landed.values()))
            await sheet.write(tx)
            if sheet.fates[item.key].state != "hold":
                # R16: what the target told meanwhile is judged now that the write has its end.
                await release(tx, {intent.target for intent in its}, self._target, sheet.now)
        sheet.count(self._metrics, self._service)

    def _landed(self, intent: Intent, seen: Known | Failure) -> Done | Failure | None:
        if isinstance(seen, Failure):
            return seen
        try:
            with vendor_code():
                return self._target.landed(intent.unseen, seen)
        except Failure as failure:
            return failure

    async def _settled(
        self, tx: state.Connection, sheet: Sheet, item: Item, its: Sequence[Intent], found: Found, landed: Landed, asked_at: datetime
    ) -> str:  # fmt: skip
        """Closes the intents, and learns what was seen."""
        known = await knowledge.lock(tx, found, sheet.now)
        did = item.did
        for intent in its:
            seen, done = found[intent.target], landed[intent.attempt]
            did = self._close(sheet, item, intent, known[intent.target], seen, done, did)
        words = {i.attempt: "applied" if landed[i.attempt] else NOT_SEEN for i in its}
        await intents.close(tx, [Closing(i.attempt, i.key, "settled", words[i.attempt]) for i in its], sheet.now)
        for target, learnt in sheet.known.items():
            learnt = knowledge.guarded(known[target], learnt, asked_at, self._target.lower)
            sheet.known[target] = self._target.remember(known[target], learnt, Seen(asked_at, sheet.now))
        return did

    def _decide(self, sheet: Sheet, item: Item, locked: Locked, did: str, *, seen: bool) -> None:
        """R1: whatever the look has shown, the plan is made anew; a newer wish has its turn then as well."""
        if seen:
            sheet.fates[item.key] = Fate("ready", sheet.now, did=did)
        elif locked.revision > item.revision:
            sheet.fates[item.key] = Fate(
                "ready",
                sheet.now,
                attempts=min(item.attempts, verdicts.ATTEMPTS - 1),
                did=did,
                call_group=item.call_group,
            )
        else:
            sheet.end_held(item, verdicts.after_look(item, sheet.now))

    def _close(
        self, sheet: Sheet, item: Item, intent: Intent, known: Known, seen: Known | Failure, landed: Done | Failure | None, did: str
    ) -> str:  # fmt: skip
        assert isinstance(seen, Known) and not isinstance(landed, Failure)
        before = sheet.known.get(intent.target, known)
        if landed is None:
            sheet.entries.append(telling.settled_intent(item, intent, sheet.now, NOT_SEEN))
            sheet.known[intent.target] = knowledge.after_look(before, seen)
            return did
        sheet.entries.append(telling.settled_intent(item, intent, sheet.now, "applied"))
        sheet.entries.append(telling.applied_intent(item, intent, sheet.now, "seen"))
        sheet.known[intent.target] = knowledge.after_look(knowledge.after(before, intent.act, landed), seen)
        return did_after(did, intent.act, changed=True)

    async def _failed(
        self, tx: state.Connection, sheet: Sheet, item: Item, its: Sequence[Intent], failure: Failure, locked: Locked, *, outage: bool
    ) -> None:  # fmt: skip
        """The look failed: it is made again later, or the row ends here, without anybody knowing what became of its write."""
        at = await tx.fetchval("select now()") + moved_by(self._clock)
        fate = verdicts.after_failed_look(item, failure, at, self._chance, outage=outage)
        if fate.state == "hold":
            sheet.fates[item.key] = fate
        else:
            await intents.close(tx, [Closing(i.attempt, i.key, "settled", NOT_LOOKED) for i in its], sheet.now)
            sheet.entries += [telling.settled_intent(item, intent, sheet.now, NOT_LOOKED) for intent in its]
            known = await knowledge.lock(tx, {intent.target for intent in its}, sheet.now)
            sheet.known |= {target: knowledge.doubted(one) for target, one in known.items()}
            # R1: a newer wish looks by its own plan, because what is known is doubtful now.
            newer = locked.revision > item.revision
            sheet.end_held(item, fate.overtaken(sheet.now) if newer else fate)

    async def _give_up(self, item: Item, its: Sequence[Intent], failure: Failure) -> None:
        """Our own code cannot settle this row: no look will, so it ends where people see it."""
        sheet = Sheet(self._clock.now(), "look")
        async with transaction(self._pool) as tx:
            locked = (await items.lock(tx, [item.key]))[item.key]
            if locked.token == item.token:
                await self._failed(tx, sheet, item, its, failure, locked, outage=False)
                await sheet.write(tx)
        sheet.count(self._metrics, self._service)
