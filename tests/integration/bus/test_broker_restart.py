"""The broker dies under load and comes back: nothing is lost, nothing of one key overtakes anything."""

from __future__ import annotations

import asyncio
import os
import signal
import time
import uuid
from collections import defaultdict
from pathlib import Path

import pytest

from common.bus.connection import KafkaAddress
from common.bus.producer import Outgoing, Producer
from common.failures import Transient, Unknown
from millrace.stack.home import Home
from millrace.stack.state import read_state
from tests.support.bus import LedgerService, a_topic, broker_pid, create, everything, fetchval, make_ledger, until
from tests.support.database import Database
from tests.support.local_stack import LocalStack
from tests.support.standing_still import standing_still

KEYS = 8
ROUNDS = 60


async def broker_is_back(stack: LocalStack, old: int) -> None:
    async def back() -> bool:
        state = read_state(Home(stack.home))
        assert state is not None
        unit = state.units["kafka"]
        return unit.phase == "ready" and unit.pid != old

    await until(back, "the broker", within=90)


async def send_until_taken(producer: Producer, messages: list[Outgoing]) -> int:
    """As every caller does: after a failure the same messages again, before anything newer."""
    for attempt in range(1, 100):
        try:
            await producer.send_all(messages, deadline=2.0)
        except (Transient, Unknown):
            await asyncio.sleep(0.2)
        else:
            return attempt
    raise AssertionError("the broker never took them")


@pytest.mark.slow
class TestBrokerRestart:
    async def test_under_load_loses_and_reorders_nothing(
        self, stack: LocalStack, database: Database, tmp_path: Path
    ) -> None:
        await make_ledger(database)
        source, target = [await create(stack.kafka, a_topic()) for _ in range(2)]
        ledger = LedgerService(stack.kafka, database, source, f"ledger-{uuid.uuid4().hex[:8]}", tmp_path)
        service = ledger.start(MILLRACE_LEDGER_FORWARD=target.name, MILLRACE_LEDGER_MAX_RECORDS="50")
        producer = Producer(KafkaAddress(stack.kafka), client_id="load")
        await producer.start()
        try:
            await self._at_work(ledger, producer)
            tries = await self._load_while_the_broker_dies(stack, producer, source)
            assert tries >= ROUNDS, "the broker was never missed: this test showed nothing"

            async def all_stored() -> bool:
                stored = await fetchval(database.owner_url, "select count(distinct number) from flow.ledger")
                return int(stored) == ROUNDS * KEYS

            await until(all_stored, "every number")
            service.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(service.wait, 25) == 0, ledger.log()
        finally:
            await producer.stop()
            ledger.kill_all()
        for topic in (source, target):
            assert await self._first_seen(stack, topic) == {
                f"k{key}": [n for n in range(ROUNDS * KEYS) if n % KEYS == key] for key in range(KEYS)
            }

    async def test_a_consumer_stops_in_time_while_the_broker_is_away(
        self, stack: LocalStack, database: Database, tmp_path: Path
    ) -> None:
        await make_ledger(database)
        topic = await create(stack.kafka, a_topic())
        ledger = LedgerService(stack.kafka, database, topic, f"ledger-{uuid.uuid4().hex[:8]}", tmp_path)
        service = ledger.start()
        producer = Producer(KafkaAddress(stack.kafka), client_id="load")
        await producer.start()
        await producer.send(topic, "k", b'{"number": 1}')
        await producer.stop()
        await ledger.settled(1)
        try:
            with standing_still(broker_pid(stack)):
                asked = time.monotonic()
                service.send_signal(signal.SIGTERM)
                assert await asyncio.to_thread(service.wait, 25) == 0, ledger.log()
                assert time.monotonic() - asked < ledger.granted(12)
        finally:
            ledger.kill_all()

    async def _at_work(self, ledger: LedgerService, producer: Producer) -> None:
        """The consumer has handled a first round; only then is the broker taken from it."""
        await send_until_taken(producer, [Outgoing(ledger.topic, f"k{n}", b'{"number": %d}' % n) for n in range(KEYS)])
        await ledger.settled(KEYS)

    async def _load_while_the_broker_dies(self, stack: LocalStack, producer: Producer, topic) -> int:  # type: ignore[no-untyped-def]
        tries = 0
        for turn in range(1, ROUNDS):
            if turn == ROUNDS // 3:
                old = broker_pid(stack)
                os.kill(old, signal.SIGKILL)
                back = asyncio.create_task(broker_is_back(stack, old))
            numbers = range(turn * KEYS, (turn + 1) * KEYS)
            messages = [Outgoing(topic, f"k{n % KEYS}", b'{"number": %d}' % n) for n in numbers]
            tries += await send_until_taken(producer, messages)
            await asyncio.sleep(0.02)
        await back
        return tries

    async def _first_seen(self, stack: LocalStack, topic) -> dict[str, list[int]]:  # type: ignore[no-untyped-def]
        """Per key the numbers in the order in which each came for the first time: repeats are harmless, overtaking is not."""
        seen: dict[str, list[int]] = defaultdict(list)
        for record in await everything(stack.kafka, topic):
            number = int(record.value.split(b":")[1].rstrip(b"}"))
            numbers = seen[record.key.decode()]
            assert number in numbers or not numbers or number > max(numbers), f"{number} after {numbers[-1]}"
            if number not in numbers:
                numbers.append(number)
        return dict(seen)
