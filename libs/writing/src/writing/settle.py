"""Settles outcomes that nobody saw: after the vendor's horizon one look closes the intent, tells the journal and replaces the snapshot (R2).

Until then the row is on hold and nothing is sent for it; its target keys stay leased. A look that fails is made again by the schedule of
retries, for as long as it takes: without it nobody knows what the target has. What the look does not find is journalled as "not seen by
the horizon", because no protocol of ours can stop a request that lands later; the audit, hours later, looks once more (R4).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from datetime import datetime

from common import failpoints
from common.clock import Clock
from common.contracts.ids import ConnectionId
from common.failures import Failure
from common.http.call import Api
from common.state.pool import Pool, connection, transaction
from vendors.target import Known, Seen, Target
from writing import intents, items, telling, verdicts
from writing import known as knowledge
from writing.intents import Closing, Intent
from writing.items import Fate, Item, TargetKey
from writing.queue import Queue
from writing.results import did_after
from writing.sheet import Sheet
from writing.target_events import release

MOST = 50
NOT_SEEN = "not_seen"


class Settler:
    """Looks after rows on hold."""

    def __init__(self, pool: Pool, clock: Clock, queue: Queue, target: Target, chance: random.Random) -> None:
        self._pool = pool
        self._clock = clock
        self._queue = queue
        self._target = target
        self._chance = chance

    async def settle(self, held_by: ConnectionId, api: Api, line: asyncio.Semaphore) -> int:
        """Settles what is due; returns how many rows that were."""
        rows = await self._queue.claim_held(held_by, MOST)
        if not rows:
            return 0
        async with connection(self._pool) as link:
            in_flight = await intents.open_of(link, [item.key for item in rows])
        targets, asked_at = {intent.target for intent in in_flight}, self._clock.now()
        found = dict(zip(targets, await asyncio.gather(*(self._look(one, api, line) for one in targets)), strict=True))
        await failpoints.hit("settle.after_look")
        await self._store(rows, in_flight, found, asked_at)
        return len(rows)

    async def _look(self, target: TargetKey, api: Api, line: asyncio.Semaphore) -> Known | Failure:
        async with line:
            try:
                return await self._target.look(target.place, target.key, api)
            except Failure as failure:
                return failure

    async def _store(
        self,
        rows: Sequence[Item],
        in_flight: Sequence[Intent],
        found: Mapping[TargetKey, Known | Failure],
        asked_at: datetime,
    ) -> None:
        sheet = Sheet(self._clock.now(), "look")
        async with transaction(self._pool) as tx:
            locked = await items.lock(tx, [item.key for item in rows])
            mine = {item.key: item for item in rows if locked[item.key].token == item.token}
            known = await knowledge.lock(tx, found, sheet.now)
            for item in mine.values():
                its = [intent for intent in in_flight if intent.key == item.key]
                failed = next((one for i in its if isinstance(one := found[i.target], Failure)), None)
                if failed is not None:
                    sheet.fates[item.key] = self._later(item, failed, sheet.now)
                    continue
                did = item.did
                for intent in its:
                    did = self._close(sheet, item, intent, known[intent.target], found[intent.target], did)
                # R1: whatever the look has shown, the plan is made anew; a newer wish has its turn then as well.
                sheet.fates[item.key] = Fate("ready", sheet.now, attempts=locked[item.key].attempts, did=did)
            settled = {key for key, fate in sheet.fates.items() if fate.state == "ready"}
            closings = [
                Closing(i.attempt, i.key, "settled", self._verdict(i, found[i.target]))
                for i in in_flight
                if i.key in settled
            ]
            await intents.close(tx, closings, sheet.now)
            for target, learnt in sheet.known.items():
                learnt = knowledge.guarded(known[target], learnt, asked_at, self._target.lower)
                sheet.known[target] = self._target.remember(known[target], learnt, Seen(asked_at, sheet.now))
            await sheet.write(tx)
            await release(tx, found, self._target, sheet.now)

    def _close(self, sheet: Sheet, item: Item, intent: Intent, known: Known, seen: Known | Failure, did: str) -> str:
        assert isinstance(seen, Known)
        landed = self._target.landed(intent.unseen, seen)
        before = sheet.known.get(intent.target, known)
        if landed is None:
            sheet.entries.append(telling.settled_intent(item, intent, sheet.now, NOT_SEEN))
            sheet.known[intent.target] = knowledge.after_look(before, seen)
            return did
        sheet.entries.append(telling.settled_intent(item, intent, sheet.now, "applied"))
        sheet.entries.append(telling.applied_intent(item, intent, sheet.now, "seen"))
        sheet.known[intent.target] = knowledge.after_look(knowledge.after(before, intent.act, landed), seen)
        return did_after(did, intent.act, changed=True)

    def _verdict(self, intent: Intent, seen: Known | Failure) -> str:
        return "applied" if isinstance(seen, Known) and self._target.landed(intent.unseen, seen) else NOT_SEEN

    def _later(self, item: Item, failure: Failure, now: datetime) -> Fate:
        """The row stays on hold; looks are no attempts."""
        until = failure.retry_at or now + verdicts.delay(min(item.attempts, 6), self._chance)
        return Fate("hold", until, hold_until=until, attempts=item.attempts, did=item.did, failure=failure)
