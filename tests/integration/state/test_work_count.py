"""How much work a sync has is kept as it changes, and is always what a count would say."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from common.state.pool import Pool, close_pool, open_pool, transaction
from tests.support.database import Database

STATES = ("ready", "leased", "hold", "waiting", "parked", "dead", "done")
COUNTED = """
select sync, sum(waiting)::bigint as waiting, sum(stuck)::bigint as stuck from flow.work_count group by sync
 having sum(waiting) <> 0 or sum(stuck) <> 0 order by sync
"""
REAL = """
select sync, count(*) filter (where state in ('ready', 'leased', 'hold', 'waiting')) as waiting,
       count(*) filter (where state in ('dead', 'parked')) as stuck
  from flow.work_item where state <> 'done' group by sync order by sync
"""
ADD = """
insert into flow.work_item (sync, entity, record, source, connection, place, revision, wish, document, mapping_version, target_key,
                            target_entity, lane, priority, happened_at, state, due_at, received_at, changed_at)
select sync, 'customer', record, 'a', 'b', 'p', 1, 'present', '{}', 1, '', 'member', 'live', 0, now(), state, now(), now(), now()
  from unnest($1::text[], $2::text[], $3::text[]) as n(sync, record, state)
on conflict (sync, entity, record) do update set state = excluded.state, revision = work_item.revision + 1
"""


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    made = await open_pool(database.owner_url, name="counting", size=8)
    yield made
    await close_pool(made)


async def counts(pool: Pool, sql: str) -> list[tuple[Any, ...]]:
    async with transaction(pool) as tx:
        return [tuple(row) for row in await tx.fetch(sql)]


class TestWorkCount:
    @pytest.mark.parametrize("seed", [1, 2, 3])
    async def test_is_what_a_count_would_say_whoever_writes_at_once(self, pool: Pool, seed: int) -> None:
        async def write(luck: random.Random) -> None:
            for _ in range(40):
                chosen = sorted(
                    {(f"s{luck.randrange(3)}", str(luck.randrange(60))) for _ in range(luck.randrange(1, 20))}
                )
                states = [luck.choice(STATES) for _ in chosen]
                try:
                    async with transaction(pool) as tx:
                        await tx.execute(ADD, [sync for sync, _ in chosen], [record for _, record in chosen], states)
                        if luck.random() < 0.2:
                            await tx.execute("delete from flow.work_item where record = $1", str(luck.randrange(60)))
                        if luck.random() < 0.2:
                            raise asyncpg.DeadlockDetectedError("rolled back")
                # Who waits behind several deadlocks, each of which is seen after a second, waits too long: rolled back as well.
                except (asyncpg.DeadlockDetectedError, asyncpg.LockNotAvailableError):
                    continue

        await asyncio.gather(*(write(random.Random(seed * 10 + n)) for n in range(6)))
        assert await counts(pool, COUNTED) == await counts(pool, REAL)
        await _execute(pool, "update flow.work_item set state = 'done'")
        assert await counts(pool, COUNTED) == []
        await _execute(pool, "update flow.work_item set state = 'ready'")
        assert await counts(pool, COUNTED) == await counts(pool, REAL)
        await _execute(pool, "truncate flow.work_item")
        assert await counts(pool, "select * from flow.work_count") == []

    async def test_two_who_write_for_one_sync_do_not_wait_for_each_other(self, pool: Pool) -> None:
        async with transaction(pool) as one:
            await one.execute(ADD, ["s", "s"], ["1", "2"], ["ready", "ready"])
            async with transaction(pool) as two:
                # Of its own accord it would wait until the other one is over.
                await two.execute("set local lock_timeout = '1s'")
                await two.execute(ADD, ["s", "s"], ["3", "4"], ["dead", "ready"])
        assert await counts(pool, COUNTED) == [("s", 3, 1)]

    async def test_a_console_that_retries_is_counted_too(self, pool: Pool, database: Database) -> None:
        await _execute(pool, ADD, ["s"], ["1"], ["dead"])
        console = await open_pool(database.url("console"), name="console", size=1)
        await _execute(console, "update flow.work_item set state = 'ready'")
        await close_pool(console)
        assert await counts(pool, COUNTED) == [("s", 1, 0)]

    @pytest.mark.parametrize("role", ["service", "console"])
    async def test_nobody_writes_the_counts_himself(self, database: Database, role: Any) -> None:
        link: Any = await asyncpg.connect(database.url(role))
        try:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await link.execute("insert into flow.work_count values ('s', 1, 1, 1)")
        finally:
            await link.close()


async def _execute(pool: Pool, sql: str, *values: Any) -> None:
    async with transaction(pool) as tx:
        await tx.execute(sql, *values)
