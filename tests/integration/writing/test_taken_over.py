"""A row whose token changed between its plan and its intent: R3 keeps the call from being made."""

import asyncio

from tests.support.writing import World


class TestTakenOver:
    async def test_before_its_intent_is_not_sent(self, world: World) -> None:
        world.holds("GET *")
        await world.want("1", "ana@ex.org")
        async with world.running():
            await world.until(lambda: _leased(world), "the row is taken")
            await world.execute(
                "update flow.work_item set token = gen_random_uuid(), lease_until = now() + interval '1 hour'"
            )
            world.answers()
            await world.until(lambda: _asked(world), "what has to be known was asked for")
            await world.until(_is_left, "whoever had taken it is through with it")
            assert world.writes() == []
        assert await world.rows("select from flow.write_intent") == []


async def _leased(world: World) -> bool:
    return bool((await world.item("1"))["state"] == "leased")


async def _is_left() -> bool:
    """Nobody works on it any more."""
    return not [task for task in asyncio.all_tasks() if task.get_name() == "work"]


async def _asked(world: World) -> bool:
    return bool(world.routes())
