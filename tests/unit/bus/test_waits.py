"""Whatever was away is asked for again within seconds, however long it was away."""

from __future__ import annotations

import asyncio
import random
from typing import Any, cast

import pytest
from aiokafka.errors import KafkaConnectionError
from structlog.testing import capture_logs

from common.bus import membership
from common.bus.batch import Away, Origin
from common.bus.connecting import producing
from common.bus.connection import KafkaAddress
from common.bus.consumer import BatchConsumer
from common.bus.limits import ConsumerLimits
from common.bus.membership import Membership
from common.bus.producer import Producer
from common.bus.trace import MessagingTrace
from common.clock import SystemClock
from common.failures import Transient
from common.loops import LONGEST_S
from common.metrics import Metrics
from common.runtime import Runtime
from common.settings import ServiceSettings, load
from tests.support.bus import a_topic
from tests.support.ledger_service import Ledger

ENVIRONMENT = {
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "DATABASE_URL": "postgresql://u:p@127.0.0.1:1/m",
    "REDIS_URL": "redis://127.0.0.1:1/0",
}
TRIES = 40
A_FEW_S = 5.0


class Refusing:
    """A client whose broker is away."""

    consumer = None
    running = True

    async def start(self) -> None:
        raise KafkaConnectionError("nobody there")

    async def stop(self) -> None:
        return


@pytest.fixture(autouse=True)
def chance() -> None:
    random.seed(7)


class TestMember:
    async def test_tries_again_within_a_few_seconds_and_not_all_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        stopping, waits = asyncio.Event(), []

        async def waited(event: asyncio.Event, *, within: float) -> None:
            waits.append(within)
            if len(waits) == TRIES:
                event.set()

        monkeypatch.setattr(membership, "until_set", waited)
        member = Membership(lambda: (Refusing(), Refusing()), "mapper", ConsumerLimits())
        assert not await member.join(stopping)
        assert max(waits) <= A_FEW_S
        assert min(waits) >= 1.0
        assert len({round(one, 3) for one in waits}) > TRIES / 2


class TestProducer:
    async def test_tries_again_within_a_few_seconds(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def refuse(_: Producer) -> None:
            raise Transient("BROKER_UNAVAILABLE", "nobody there")

        async def at_once(*_: asyncio.Event, within: float | None = None) -> None:
            await asyncio.sleep(0)

        monkeypatch.setattr(Producer, "start", refuse)
        monkeypatch.setattr("common.loops.until_set", at_once)
        runtime = Runtime.of("test", load(ServiceSettings, ENVIRONMENT))
        with capture_logs() as log:
            async with producing(runtime, MessagingTrace()):
                async with asyncio.timeout(10):
                    while len(log) < TRIES:  # noqa: ASYNC110 - the loop tells nobody
                        await asyncio.sleep(0)
                runtime.stopping.set()
                await runtime.cancel_tasks()
        assert max(line["seconds"] for line in log if line["event"] == "loop.waits") <= A_FEW_S


class TestBatch:
    async def test_is_read_again_after_no_more_than_a_loop_rests(self) -> None:
        handler = Ledger(a_topic(), "mapper")
        consumer = BatchConsumer(
            handler, address=KafkaAddress("127.0.0.1:1"), pool=cast(Any, None), origin=Origin("test", "0.1", "map"),
            metrics=Metrics(), now=SystemClock().now,
        )  # fmt: skip
        consumer._ending.set()  # it says how long it would wait, and waits no more
        with capture_logs() as log:
            for _ in range(TRIES):
                await consumer._wait(Away("the database is away"))
        waits = [line["seconds"] for line in log]
        assert len(waits) == TRIES
        assert max(waits) <= LONGEST_S
