"""The writer fills its calls: the first goes at once, and rows that come meanwhile gather behind it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from common.state.pool import transaction
from tests.support.statements import CountedPool
from tests.support.writing import World

CREATE = "POST /lists/{id}"


def rows_of(world: World) -> list[int]:
    """How many members each create call has made."""
    creates = [call for call in world.calls() if call["route"] == "POST /lists/{list_id}"]
    return [sum(one["kind"] == "member" for one in call["applied"]) for call in creates]


class TestFilling:
    async def test_rows_gather_behind_two_slow_calls(self, world: World) -> None:
        async with world.running():
            await world.want("first", "first@ex.org")
            await world.quiet()
            world.holds(CREATE)
            for number in range(100):
                await world.want(str(number), f"m{number}@ex.org")
                await asyncio.sleep(0.01)
            world.answers()
            await world.quiet()
        calls = rows_of(world)
        assert sum(calls) == 101
        # The first alone, two more slow ones with the few that had come, and the rest in what was full of them.
        assert len(calls) <= 6, calls
        assert max(calls) >= 40, calls
        assert await world.told() == world.applied()

    async def test_one_after_the_other_each_goes_at_once(self, world: World) -> None:
        async with world.running():
            for number in range(3):
                await world.want(str(number), f"m{number}@ex.org")
                await world.quiet()
        assert rows_of(world) == [1, 1, 1]


class TestStatements:
    async def test_a_batch_of_commands_costs_the_same_whatever_its_size(self, world: World) -> None:
        # Once to warm up: what a connection learns of its types is asked once.
        counts = []
        for many in (2, 1, 200):
            counted: Any = CountedPool(world.pool)
            async with transaction(counted) as tx:
                await world.intake().store(
                    [world.command(f"{many}-{n}", f"m{many}-{n}@ex.org") for n in range(many)], tx
                )
            counts.append(len(counted.statements))
        assert counts[1] == counts[2] <= 6, counted.statements

    async def test_from_claim_to_result_a_call_costs_the_same_whatever_its_rows(self, world: World) -> None:
        counts = []
        for many in (2, 1, 200):
            await world.store(*(world.command(f"{many}-{n}", f"m{many}-{n}@ex.org") for n in range(many)))
            counts.append(await statements_until_done(world))
        assert len(counts[1]) == len(counts[2]), counts


async def statements_until_done(world: World) -> list[str]:
    """Of one claim and all that comes of it, without the turns before and after it."""
    counted: Any = CountedPool(world.pool)
    door = world.door()
    worker = replace(world, pool=counted).writer(door).worker
    try:
        configuration = await worker._read()
        (due,) = await worker._parts.queue.due(configuration)
        counted.statements.clear()
        assert await worker._serve(configuration.connections[due.connection], due)
        await worker._under_way.drain()
    finally:
        await door.aclose()
    assert not await world.rows("select from flow.work_item where state <> 'done'")
    return list(counted.statements)
