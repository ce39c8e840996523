"""The ends of rows without a call: what needs none, what failed before one, what is given back, and what looks have shown."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime

from common.clock import Clock
from common.failures import Failure
from common.metrics import Metrics
from common.state.pool import Pool, transaction
from vendors.target import Known, Nothing, Seen, Skip, Target
from writing import intents, items, verdicts
from writing import known as knowledge
from writing.claimed import Claimed
from writing.items import Fate
from writing.sheet import Sheet


class Endings:
    """Stores them."""

    def __init__(
        self, pool: Pool, clock: Clock, target: Target, *, metrics: Metrics, service: str, chance: random.Random
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._target = target
        self._metrics = metrics
        self._service = service
        self._chance = chance

    async def end(self, ended: Sequence[tuple[Claimed, Nothing | Skip | Failure]], *, outage: bool = False) -> None:
        """Rows that need no call, or that failed before one; in an `outage` of the vendor that is no attempt."""
        sheet = Sheet(self._clock.now(), self._service)
        async with transaction(self._pool) as tx:
            locked = await items.lock(tx, [row.item.key for row, _ in ended])
            for row, step in ended:
                now = locked[row.item.key]
                if now.token != row.item.token:
                    continue
                if isinstance(step, Failure):
                    away = outage and step.about == "call"
                    fate = verdicts.after_failure(step, now.attempts, sheet.now, self._chance, outage=away)
                    sheet.fail(row, fate, now)
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

    async def hold_open(self, rows: Sequence[Claimed]) -> list[Claimed]:
        """R2: of rows whose work broke off, those with something in flight go on hold; returns the others that are still ours."""
        sheet, mine = Sheet(self._clock.now(), self._service), list[Claimed]()
        async with transaction(self._pool) as tx:
            locked = await items.lock(tx, [row.item.key for row in rows])
            flying = {one.key: one.hold_until for one in await intents.open_of(tx, locked)}
            for row in rows:
                now = locked[row.item.key]
                if now.token != row.item.token:
                    continue
                if (until := flying.get(row.item.key)) is None:
                    mine.append(row)
                else:
                    held = Fate("hold", until, hold_until=until, attempts=now.attempts + 1, did=row.did)
                    sheet.fates[row.item.key] = held
            await sheet.write(tx)
        return mine

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
