"""A member that leaves takes everything with it: no task, no membership, whenever it is told to, and whether the broker answers or not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from common.bus import groups
from common.bus.connection import KafkaAddress
from common.failures import Transient
from common.state.pool import close_pool, open_pool
from tests.integration.bus.test_consumer import Scene
from tests.support.bus import a_topic, create, fill, make_ledger, until
from tests.support.database import Database
from tests.support.local_stack import LocalStack


@pytest.fixture
async def scene(stack: LocalStack, database: Database) -> AsyncIterator[Scene]:
    await make_ledger(database)
    topic = await create(stack.kafka, a_topic())
    pool = await open_pool(database.url("service"), name="test", size=2)
    yield Scene(stack.kafka, database, topic, pool)
    await close_pool(pool)


async def members(scene: Scene) -> int:
    async def asked() -> list[int]:
        try:
            found = await groups.group(KafkaAddress(scene.kafka), scene.group)
        except Transient:  # a young broker has no coordinator yet
            return []
        return [len(found.members) if found else 0]

    (count,) = await until(asked, "the broker's word on the group")
    return count


def clients_at_work(but: set[asyncio.Task[object]]) -> list[str]:
    """What the Kafka client still does, by the names of its coroutines."""
    left = asyncio.all_tasks() - but - {asyncio.current_task()}
    return sorted(name for task in left if "Task" not in (name := getattr(task.get_coro(), "__qualname__", "")))


async def gone(but: set[asyncio.Task[object]]) -> None:
    async def nothing_is_left() -> bool:
        return not clients_at_work(but)

    try:
        await until(nothing_is_left, "the end of its tasks", within=20)
    except AssertionError:
        assert clients_at_work(but) == []


class TestToldToStop:
    @pytest.mark.parametrize("after_s", [0.0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.15])
    async def test_while_it_joins_it_leaves_nothing_behind(self, scene: Scene, after_s: float) -> None:
        before = asyncio.all_tasks()
        stopping = asyncio.Event()
        # As much time for its leave as a busy broker takes to hear of it.
        running = asyncio.create_task(scene.consumer(close_s=30.0).run(stopping))
        await asyncio.sleep(after_s)
        stopping.set()
        await asyncio.wait_for(running, 60)
        await gone(before)
        assert await members(scene) == 0

    async def test_with_no_time_to_take_leave_it_leaves_nothing_at_work(self, scene: Scene) -> None:
        """As with a broker that does not answer: the group forgets it by itself, but no task of it goes on for ever."""
        await fill(scene.kafka, scene.topic, range(10))
        before = asyncio.all_tasks()
        async with scene.running(scene.consumer(close_s=0.0)):
            await scene.until_committed(10)
        await gone(before)
