"""A consumer with nothing to read asks rarely, and what comes then is read at once, whatever partition it comes to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from common.bus.batch import Origin
from common.bus.connection import KafkaAddress
from common.bus.consumer import BatchConsumer
from common.bus.handler import Delivered
from common.bus.limits import ConsumerLimits
from common.clock import SystemClock
from common.contracts.topics import Topic
from common.metrics import Metrics
from common.state.pool import DbConnection, Pool, close_pool, open_pool
from tests.support.bus import a_topic, create, make_ledger, plain_producer, until
from tests.support.database import Database
from tests.support.ledger_service import Ledger
from tests.support.local_stack import LocalStack

# Longer than the tests wait for anything: what stands behind such a question has not come.
CALM_MS = 25_000
WITHIN_S = 15.0


class Held(Ledger):
    """The ledger; its first batch waits until it is let go."""

    def __init__(self, topic: Topic) -> None:
        super().__init__(topic, f"{topic.name}-group")
        self.let_go = asyncio.Event()
        self.begun: list[int] = []
        self.stored: list[int] = []

    async def store(self, batch: Sequence[Delivered[int]], tx: DbConnection) -> None:
        self.begun += [one.message for one in batch]
        await self.let_go.wait()
        await super().store(batch, tx)
        self.stored += [one.message for one in batch]


class Scene:
    """A consumer whose questions are counted."""

    def __init__(self, stack: LocalStack, pool: Pool, topic: Topic) -> None:
        self.kafka, self.topic = stack.kafka, topic
        self.handler = Held(topic)
        self.waits: list[int] = []
        self.consumer = BatchConsumer(
            self.handler,
            address=KafkaAddress(stack.kafka),
            pool=pool,
            origin=Origin("test", "0.1", "map"),
            metrics=Metrics(),
            now=SystemClock().now,
            limits=ConsumerLimits(poll_ms=100, calm_ms=CALM_MS, session_timeout_s=30.0, look_every_s=300.0),
        )

    async def until_joined(self) -> None:
        """From now on each question is noted by how long it may wait."""

        async def joined() -> bool:
            return bool(self._client) and bool(self._client.assignment())

        await until(joined, "its partitions", within=60)
        client = self._client._client
        ask = client.send

        async def send(node: int, request: Any, **more: Any) -> Any:
            if type(request).__name__ == "FetchRequest":
                self.waits.append(request._max_wait_ms)
            return await ask(node, request, **more)

        client.send = send

    async def until_calm(self) -> None:
        async def calm() -> bool:
            return CALM_MS in self.waits

        await until(calm, "a long question", within=WITHIN_S)

    async def until_stored(self, *numbers: int) -> None:
        async def stored() -> bool:
            return self.handler.stored == list(numbers)

        await until(stored, f"{numbers}, with {self.handler.stored},", within=WITHIN_S)

    async def send(self, number: int) -> None:
        async with plain_producer(self.kafka) as producer:
            await producer.send_and_wait(self.topic.name, json.dumps({"number": number}).encode(), partition=0)

    @property
    def _client(self) -> Any:
        return self.consumer._membership.consumer


@pytest.fixture
async def scene(stack: LocalStack, database: Database) -> AsyncIterator[Scene]:
    await make_ledger(database)
    topic = await create(stack.kafka, a_topic())
    pool = await open_pool(database.url("service"), name="test", size=2)
    made, stopping = Scene(stack, pool, topic), asyncio.Event()
    running = asyncio.create_task(made.consumer.run(stopping))
    await made.until_joined()
    yield made
    made.handler.let_go.set()
    stopping.set()
    await asyncio.wait_for(running, 60)
    await close_pool(pool)


class TestPace:
    async def test_where_nothing_comes_one_question_waits_where_many_were_asked(self, scene: Scene) -> None:
        await scene.until_calm()
        asked = len(scene.waits)
        await asyncio.sleep(1.2)
        assert scene.waits[asked:] == []

    async def test_a_record_ends_the_wait_and_its_followers_are_asked_for_in_short_ones(self, scene: Scene) -> None:
        scene.handler.let_go.set()
        await scene.until_calm()
        asked = len(scene.waits)
        await scene.send(1)
        await scene.until_stored(1)
        await scene.send(2)
        await scene.until_stored(1, 2)
        # The first question after the record; half a second later nothing has come for a while again, as a busy machine sees it.
        assert scene.waits[asked] < 1000

    async def test_what_comes_to_a_partition_that_was_left_out_of_a_question_does_not_wait_for_its_end(
        self, scene: Scene
    ) -> None:
        await scene.until_calm()
        await scene.send(1)

        async def begun() -> bool:
            return scene.handler.begun == [1]

        await until(begun, "the first batch", within=WITHIN_S)
        asked = len(scene.waits)
        await scene.send(2)

        async def left_out() -> bool:
            # It lies here unread; the others are asked for again and again meanwhile.
            return len(scene.waits) >= asked + 3

        await until(left_out, "questions for the other partitions", within=WITHIN_S)
        scene.handler.let_go.set()
        await scene.until_stored(1, 2)
        await scene.send(3)
        await scene.until_stored(1, 2, 3)
