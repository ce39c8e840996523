"""The late look (R4): hours after an outcome that nobody saw, each target record is looked at once more.

On a target that overwrites blindly, a request that lands later than the vendor's horizon overwrites a newer one. Nothing can prevent
that; this finds it. Drift makes the record ready again, and its plan puts right what differs.
"""

from __future__ import annotations

import asyncio
from datetime import datetime

from common.clock import Clock
from common.contracts.ids import ConnectionId
from common.failures import Failure
from common.http.call import Api
from common.journal import Step
from common.state.pool import Pool, connection, transaction
from vendors.target import Known, Target
from writing import items, telling
from writing import known as knowledge
from writing.items import ItemKey, TargetKey
from writing.sheet import Sheet

MOST = 20


async def audit(
    pool: Pool, clock: Clock, target: Target, held_by: ConnectionId, api: Api, line: asyncio.Semaphore
) -> int:
    """R4: hours after an outcome that nobody saw, one more look; drift makes the rows that live there ready again."""
    now = clock.now()
    async with connection(pool) as link:
        due = await link.fetch(
            "select * from flow.audit where connection = $1 and due_at <= $2 order by due_at limit $3",
            held_by,
            now,
            MOST,
        )
    for row in due:
        where, asked_at = items.target_of(row), clock.now()
        async with line:
            try:
                seen = await target.look(where.place, where.key, api)
            except Failure:
                # It stays due; the next turn looks again.
                continue
        await _audited(pool, clock.now(), target, where, items.key_of(row), seen, asked_at)
    return len(due)


async def _audited(
    pool: Pool, now: datetime, target: Target, where: TargetKey, key: ItemKey, seen: Known, asked_at: datetime
) -> None:
    async with transaction(pool) as tx:
        row = await tx.fetchrow(
            f"select w.*, {items.ACCOUNTS} from flow.work_item w where (w.sync, w.entity, w.record) = ($1, $2, $3) for update",  # noqa: S608
            *key,
        )
        if row is None or row["state"] in ("leased", "hold"):
            return
        known = (await knowledge.lock(tx, [where], now))[where]
        drift = target.drifted(known, seen)
        learnt = knowledge.guarded(known, knowledge.after_look(known, seen), asked_at, target.lower)
        await knowledge.save(tx, {where: learnt}, now, "audit")
        await tx.execute("delete from flow.audit where (account, place, target_entity, key) = ($1, $2, $3, $4)", *where)
        sheet = Sheet(now, "audit")
        sheet.entries.append(
            telling.entry(
                items.item_of(row), Step.AUDITED, now, reason="drift" if drift else "agrees", target_key=where.key
            )
        )
        await sheet.write(tx)
        if drift:
            await items.reopen(tx, [key], now)
