"""The ends of rows without a call: what needs none, what failed before one, what is given back, and what looks have shown."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from common.clock import Clock
from common.failures import Failure
from common.metrics import Metrics
from common.state import awaiting
from common.state.pool import DbConnection, Pool, transaction
from vendors.absorbing import Seen
from vendors.acts import Nothing, Skip, Wait, id_of_key
from vendors.target import Target
from vendors.target_record import TargetRecord
from writing import figures, heard, intents, late_writes, needs, run_lines, target_records, verdicts, work_items
from writing.claimed import Claimed
from writing.items import IN_FRONT, Item, ItemKey, NextState
from writing.needs import Awaited
from writing.pair_results import PairResults, known_by_link
from writing.result_transaction import ResultTransaction


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
        result = ResultTransaction(self._target, self._clock.now())
        async with transaction(self._pool) as tx:
            await awaiting.together(tx, {one for row, _ in ended for one in row.item.awaited_in})
            locked = await needs.lock_with_waiting(tx, [row.item.key for row, _ in ended])
            await self._refresh(tx, [row for row, step in ended if result.agrees(row, step)], result.now)
            for row, step in ended:
                now = locked[row.item.key]
                if now.token != row.item.token:
                    continue
                if isinstance(step, Failure):
                    away = outage and step.about == "call"
                    next_state = verdicts.after_failure(step, now.attempts, result.now, self._chance, outage=away)
                    result.fail(row, next_state, now)
                else:
                    result.finish(row, step, now)
            await result.write(tx)
        figures.count(result, self._metrics, self._service)

    async def wait(self, rows: Sequence[tuple[Claimed, Wait]]) -> list[Claimed]:
        """R23: rows that need a record which is not linked; returns those whose records have been linked meanwhile."""
        result, going_on = ResultTransaction(self._target, self._clock.now()), list[Claimed]()
        wanted = {row.item.key: tuple(dict.fromkeys((step.needs, *row.item.needs))) for row, step in rows}
        async with transaction(self._pool) as tx:
            await awaiting.alone(tx, {row.item.account for row, _ in rows})
            locked = await work_items.lock(tx, wanted)
            linked = await needs.linked(tx, [(row.item, ref) for row, _ in rows for ref in wanted[row.item.key]])
            for row, _ in rows:
                row.know(linked[row.item.key])
            mine = [row for row, _ in rows if locked[row.item.key].token == row.item.token]
            missing = {
                row.item.key: [Awaited(row.item.source, r) for r in wanted[row.item.key] if r not in row.linked]
                for row in mine
            }
            ended = await needs.parents(tx, [one for several in missing.values() for one in several])
            for row in mine:
                lacking = missing[row.item.key]
                if lacking:
                    result.wait(row, lacking, _words(lacking, ended), locked[row.item.key])
                else:
                    going_on.append(row)
            await result.write(tx)
        return going_on

    async def _refresh(self, tx: DbConnection, rows: Sequence[Claimed], now: datetime) -> None:
        """What is known is changed with its row locked, and as it is then."""
        current = await target_records.lock(tx, [row.target(row.item.target_key) for row in rows], now)
        for row in rows:
            row.known[row.item.target_key] = current[row.target(row.item.target_key)]

    def now(self) -> datetime:
        """Business time."""
        return self._clock.now()

    async def give_back(self, rows: Sequence[Claimed], priority: int = IN_FRONT) -> None:
        """Rows that this process will not bring to their end: nothing of theirs is in flight, so anybody may have them at once.

        `priority` puts them behind others. R1: not a row of which something newer is wished by now, which may be in a hurry.
        """
        result = ResultTransaction(self._target, self._clock.now())
        async with transaction(self._pool) as tx:
            locked = await work_items.lock(tx, [row.item.key for row in rows])
            for row in rows:
                now = locked[row.item.key]
                if now.token == row.item.token:
                    place = priority if now.revision == row.item.revision else IN_FRONT
                    result.fates[row.item.key] = NextState(
                        "ready", result.now, attempts=now.attempts, result_so_far=row.result_so_far, priority=place
                    )
            await result.write(tx)

    async def hold_open(self, rows: Sequence[Claimed]) -> list[Claimed]:
        """R2: of rows whose work broke off, those with something in flight go on hold; returns the others that are still ours."""
        result, mine = ResultTransaction(self._target, self._clock.now()), list[Claimed]()
        async with transaction(self._pool) as tx:
            locked = await work_items.lock(tx, [row.item.key for row in rows])
            flying = {one.key: one.hold_until for one in await intents.open_of(tx, locked)}
            for row in rows:
                now = locked[row.item.key]
                if now.token != row.item.token:
                    continue
                if (until := flying.get(row.item.key)) is None:
                    mine.append(row)
                else:
                    held = NextState(
                        "hold", until, hold_until=until, attempts=now.attempts + 1, result_so_far=row.result_so_far
                    )
                    result.fates[row.item.key] = held
            await result.write(tx)
        return mine

    async def learn(
        self,
        seen: Sequence[tuple[Claimed, str, TargetRecord]],
        asked_at: datetime,
        looks: Iterable[Iterable[Item]] = (),
    ) -> None:
        """What looks have shown replaces what was seen before (R2); `looks` are the calls that it took."""
        result = ResultTransaction(self._target, self._clock.now())
        async with transaction(self._pool) as tx:
            await awaiting.together(tx, {one for row, _, _ in seen if row.item.side for one in row.item.awaited_in})
            unseen = await late_writes.unseen_of(tx, seen)
            current = await target_records.lock(tx, [row.target(key) for row, key, _ in seen], result.now)
            for row, key, _ in seen:
                row.known[key] = current[row.target(key)]
            if unseen:
                await late_writes.tell(tx, result, unseen, seen)
            for row, key, found in seen:
                result.learn(row, key, Seen(found, asked_at, result.now))
                row.fresh.add(key)
            await self._met(tx, result, seen, asked_at)
            await run_lines.called(tx, looks, result.now)
            await result.write(tx)

    async def heard(self, rows: Sequence[Claimed]) -> dict[ItemKey, str]:
        """R21: the ids of those whom our own tables know by the match of these records."""
        async with transaction(self._pool) as tx:
            return await heard.of(tx, self._target, rows)

    async def _met(
        self, tx: DbConnection, result: ResultTransaction, seen: Sequence[tuple[Claimed, str, TargetRecord]], asked_at: datetime
    ) -> None:  # fmt: skip
        """What a look makes of the pairs of two-way legs; what was found by a match is not kept under it."""
        its = [(row, key, found) for row, key, found in seen if row.item.side]
        met = [(row.item, found.id) for row, key, found in its if not id_of_key(key)]
        pairs = await PairResults.locked(tx, [row.item for row, _, _ in its], result.now, met)
        for row, key, found in its:
            pairs.seen(row, key, found, asked_at)
            if not id_of_key(key):
                known_by_link(result.known, row.item, key, found.id if row.met == "joined" else "")
        await pairs.write(tx)
        result.entries += pairs.entries


def _words(missing: Sequence[Awaited], ended: Mapping[Awaited, str]) -> str:
    """The one that has ended without a link goes first: that is what somebody can mend."""
    first = next((one for one in missing if one in ended), missing[0])
    return needs.words(first.ref.entity, first.ref.record, ended.get(first, ""))
