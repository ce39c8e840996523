"""A writer with nothing to do asks the database rarely, and goes back to its pace as soon as there is something."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import cast

from common.clock import monotonic
from common.state.pool import Pool
from tests.support.statements import CountedPool
from tests.support.writing import World
from writing.worker import CALM_AFTER_S, IDLE_S, Worker


@asynccontextmanager
async def working(world: World, pool: CountedPool) -> AsyncIterator[Worker]:
    stopping, door = asyncio.Event(), world.door()
    worker = replace(world, pool=cast(Pool, pool)).writer(door).worker
    # As if nothing had come for long.
    worker._busy = monotonic() - CALM_AFTER_S
    task = asyncio.create_task(worker.run(stopping))
    try:
        yield worker
    finally:
        stopping.set()
        await asyncio.wait_for(task, 20)
        await door.aclose()


async def reach(pool: CountedPool, times: int) -> None:
    async with asyncio.timeout(20):
        while pool.times < times:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


async def settled(pool: CountedPool) -> int:
    """How often a connection was taken once the first turn is over: none is out, and nobody who could go on takes another."""
    before = -1
    async with asyncio.timeout(20):
        while before != pool.times or not before or pool.out:
            before = pool.times
            for _ in range(20):
                await asyncio.sleep(0)
            await asyncio.sleep(0.01 if pool.out else 0)
    return before


class TestIdleWriter:
    async def test_takes_no_turn_where_it_took_two(self, world: World) -> None:
        pool = CountedPool(world.pool)
        async with working(world, pool):
            began = time.monotonic()
            times = await settled(pool)
            await asyncio.sleep(max(0.0, began + 3 * IDLE_S - time.monotonic()))
            assert pool.times == times

    async def test_turns_at_once_when_it_hears_of_work_and_keeps_its_pace_then(self, world: World) -> None:
        pool = CountedPool(world.pool)
        async with working(world, pool) as worker:
            times = await settled(pool)
            worker.wake()
            await reach(pool, times + 1)
            assert not worker._is_calm
