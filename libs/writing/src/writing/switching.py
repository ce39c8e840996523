"""What a sync owns ends when it is switched off, and begins again when it is resumed (R13).

Its target records stay as they are, or are archived where a person asked for that; either way the others who share them take content
and duty over at once. All of it goes in bounded steps, each one transaction that can be repeated: a crash leaves rows for the next step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from common.clock import Clock
from common.contracts.ids import SyncId, VendorName
from common.state.pool import DbConnection, Pool, transaction
from writing import leaving, run_lines, work_items
from writing.items import ItemKey, columns, key_of, target_of
from writing.leaving import Yielding

MOST = 500


class Switching:
    """Looks after the syncs of one vendor that were switched off or resumed."""

    def __init__(self, pool: Pool, clock: Clock, vendor: VendorName) -> None:
        self._pool = pool
        self._clock = clock
        self._vendor = vendor

    async def step(self) -> int:
        """One step of each sync that has one to make; returns how many rows that moved."""
        async with transaction(self._pool) as tx:
            syncs = await tx.fetch(_DUE, self._vendor)
        moved = 0
        for sync in syncs:
            async with transaction(self._pool) as tx:
                moved += await self._move(tx, sync)
        return moved

    async def _move(self, tx: DbConnection, sync: Any) -> int:
        # One replica at a time: another would wait for the rows of this step, and then find them moved. It comes again with its next sweep.
        if not await tx.fetchval(_MINE, sync["id"]):
            return 0
        # Switched once more while this step is made: then the next one puts it right, because it goes by what is so then.
        state = await tx.fetchrow("select state, on_disable from core.sync where id = $1", sync["id"])
        if tuple(state) == ("disabled", "keep"):
            return await self._end(tx, sync["id"])
        if tuple(state) == ("disabled", "archive"):
            return await self._archive(tx, sync["id"])
        return await self._begin(tx, sync["id"]) if state["state"] == "active" else 0

    async def _end(self, tx: DbConnection, sync: str) -> int:
        """What is in flight is brought to its end first."""
        rows = await tx.fetch(_HERE, sync, ["live", "leaving"], MOST)
        free = await self._lock(tx, sync, rows)
        if free:
            await tx.execute(_MARK, *columns(free), "ended", ["live", "leaving"])
            await work_items.reopen(tx, await self._others(tx, sync, rows, free), self._clock.now())
        return len(free)

    async def _begin(self, tx: DbConnection, sync: str) -> int:
        """They live where they lived, and everything is planned anew."""
        rows = await tx.fetch(_HERE, sync, ["ended"], MOST)
        rows += await tx.fetch(
            "select * from flow.work_item where sync = $1 and reason = 'sync_disabled' limit $2", sync, MOST
        )
        keys = sorted({key_of(row) for row in rows})
        await work_items.lock(tx, keys)
        await tx.execute(_MARK, *columns(keys), "live", ["ended"])
        await tx.execute(_OPEN, *columns(keys), self._clock.now(), ["done"])
        return len(keys)

    async def _archive(self, tx: DbConnection, sync: str) -> int:
        """Whoever owns anything is taken once more, and plans to leave (queue.py)."""
        rows = await tx.fetch(_CLOSED, sync, MOST)
        keys = sorted({key_of(row) for row in rows})
        now, revisions = self._clock.now(), {key_of(row): row["revision"] for row in rows}
        await run_lines.archived(tx, SyncId(sync), list(revisions.items()), now, last=len(rows) < MOST)
        await tx.execute(_OPEN, *columns(keys), now, ["done", "dead", "parked", "awaiting"])
        return len(keys)

    async def _others(self, tx: DbConnection, sync: str, rows: Sequence[Any], keys: Sequence[ItemKey]) -> list[ItemKey]:
        """Who takes over, of the other syncs."""
        return [key for key in await leaving.survivors(tx, _left(rows, keys)) if key.sync != sync]

    async def _lock(self, tx: DbConnection, sync: str, rows: Sequence[Any]) -> list[ItemKey]:
        """Ours and those who take over, in the order of their keys; returns ours that nobody works on."""
        mine = {key_of(row) for row in rows}
        others = await self._others(tx, sync, rows, list(mine))
        locked = await work_items.lock(tx, [*mine, *others])
        return sorted(key for key in mine if key in locked and locked[key].state not in ("leased", "hold"))


def _left(rows: Sequence[Any], keys: Sequence[ItemKey]) -> dict[ItemKey, Yielding]:
    wanted = set(keys)
    left: dict[ItemKey, Yielding] = {}
    for row in rows:
        if (key := key_of(row)) in wanted:
            left[key] = Yielding(left=(*left.get(key, Yielding()).left, target_of(row)))
    return left


_MINE = "select pg_try_advisory_xact_lock(hashtextextended('switching:' || $1, 0))"

_DUE = """
select s.id from core.sync s
 where exists (select from core.leg l join core.connection c on c.id = l.target_connection where l.sync = s.id and c.vendor = $1) and (
       (s.state = 'disabled' and s.on_disable = 'keep'
        and exists (select from flow.target_owner o where o.sync = s.id and o.standing in ('live', 'leaving')))
    or (s.state = 'disabled' and s.on_disable = 'archive'
        and (exists (select from flow.target_owner o where o.sync = s.id and o.standing in ('live', 'leaving'))
             or exists (select from flow.target_owner o where o.sync = s.id and o.standing = 'ended')))
    or (s.state = 'active'
        and (exists (select from flow.target_owner o where o.sync = s.id and o.standing = 'ended')
             or exists (select from flow.work_item w where w.sync = s.id and w.reason = 'sync_disabled'))))
 order by s.id
"""

# A record that somebody works on is not taken: another five hundred behind it must not wait for it.
_HERE = """
select o.* from flow.target_owner o join flow.work_item w using (sync, entity, record)
 where o.sync = $1 and o.standing = any($2::text[]) and w.state not in ('leased', 'hold')
 order by o.entity, o.record limit $3
"""

_MARK = """
update flow.target_owner o set standing = $4 from unnest($1::text[], $2::text[], $3::text[]) as n(sync, entity, record)
 where (o.sync, o.entity, o.record) = (n.sync, n.entity, n.record) and o.standing = any($5::text[])
"""

_CLOSED = """
select distinct w.sync, w.entity, w.record, w.revision from flow.target_owner o join flow.work_item w using (sync, entity, record)
 where o.sync = $1 and o.standing in ('live', 'leaving', 'ended') and w.state in ('done', 'dead', 'parked', 'awaiting') limit $2
"""

_OPEN = """
update flow.work_item w set state = 'ready', due_at = $4, attempts = 0, did = '', outcome = '', reason = '', changed_at = $4
  from unnest($1::text[], $2::text[], $3::text[]) as k(sync, entity, record)
 where (w.sync, w.entity, w.record) = (k.sync, k.entity, k.record) and w.state = any($5::text[])
"""
