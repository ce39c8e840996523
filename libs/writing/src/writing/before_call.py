"""The transaction before a call (R3): what is about to be sent is stored before the first byte of it leaves.

In: a batch of planned acts. Out: the same without the rows that are somebody else's by now. Durable with the commit: one intent for each
row, the keys and links that it will make, and what nobody can know any more once the act is done. A crash before the commit has sent
nothing. After it nobody knows whether anything was sent: the rows go on hold, and one look settles them (R2).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from common.clock import Clock, monotonic, moved_by
from common.state.pool import DbConnection, Pool, transaction
from vendors.absorbing import ToBeSent
from vendors.acts import Act
from vendors.deferred import Deferred
from vendors.target import Target
from vendors.target_record import TargetRecord
from writing import claims, deferred_calls, intents, leases, links, run_lines, target_records, work_items
from writing.calls import Batch, Intended, Terms, first_bodies, refresh
from writing.claimed import Claimed
from writing.intent import intent_of
from writing.links import Reserving, rule_of
from writing.pair_results import PairResults


class BeforeCall:
    """Stores what is about to be sent."""

    def __init__(self, pool: Pool, clock: Clock, target: Target, terms: Terms) -> None:
        self._pool = pool
        self._clock = clock
        self._target = target
        self._terms = terms

    async def intend(self, name: str, batch: Batch, deferred: Deferred | None = None) -> Intended | None:
        """R3: stores the intents of those rows that are still ours, and says which, and when that was; None when none are.

        What is `deferred` stays in flight for as long as the vendor may take to carry it out.
        """
        now, began = self._clock.now(), monotonic()
        async with transaction(self._pool) as tx:
            mine = await work_items.still_mine(tx, [row.item for row, _ in batch], self._terms.lease)
            kept = await self._begun(tx, name, [(row, act) for row, act in batch if row.item.key in mine], now)
            if not kept:
                return None
            # H is measured by the database's own time: a machine's clock that is set back makes no hold longer.
            stored_at = next(iter(mine.values())) + moved_by(self._clock)
            until = stored_at + self._terms.horizon + (deferred.longest if deferred else timedelta())
            fresh = [
                Reserving(row.item, rule_of(self._target, row.item), row.ownership.former)
                for row, act in kept
                if act.key == row.item.target_key and not row.item.side
            ]
            await links.reserve(tx, fresh, now)
            its = [intent_of(name, row.item, act, row.before(act), now, until) for row, act in kept]
            await intents.store(tx, its)
            if deferred:
                await deferred_calls.begin(tx, its, stored_at, self._terms.horizon, deferred.longest)
            await self._before_sending(tx, kept, now)
            await run_lines.called(tx, [[row.item for row, _ in kept]], now)
            await work_items.keep_first_bodies(tx, first_bodies(self._target, kept))
        return Intended(name, kept, now, stored_at, began)

    async def _begun(self, tx: DbConnection, name: str, batch: Batch, now: datetime) -> Batch:
        """R15: rows of pairs begin their write in the pair; where it says something else by now, the row is planned anew."""
        if not any(row.item.side for row, _ in batch):
            return batch
        pairs = await PairResults.locked(tx, [row.item for row, _ in batch], now)
        begun = [not row.item.side or pairs.begin(row, act, name) for row, act in batch]
        await pairs.write(tx)
        kept = [one for one, begins in zip(batch, begun, strict=True) if begins]
        again = [row.item for (row, _), begins in zip(batch, begun, strict=True) if not begins]
        if again:
            await claims.give_back(tx, again, now + claims.BLOCKED_FOR)
            await leases.release(tx, [item.key for item in again])
        return kept

    async def _before_sending(self, tx: DbConnection, batch: Batch, now: datetime) -> None:
        """Keeps what nobody can know any more once the act is done."""

        def keeps(row: Claimed, act: Act) -> bool:
            known = row.known.get(act.key, TargetRecord())
            return self._target.absorb(known, ToBeSent(act)).record != known

        keeping = [(row, act) for row, act in batch if keeps(row, act)]
        await refresh(tx, [(row, act.key) for row, act in keeping], now)
        for row, act in keeping:
            row.known[act.key] = self._target.absorb(row.known[act.key], ToBeSent(act)).record
        await target_records.save(tx, {row.target(act.key): row.known[act.key] for row, act in keeping}, now)
