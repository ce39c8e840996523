"""A send returns when the broker has the message; otherwise it says in time how things stand, and stays usable."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from common.bus.connection import KafkaAddress
from common.bus.departures import Departures
from common.bus.producer import Outgoing, Producer
from common.contracts.topics import Topic
from common.failures import Rejected, Transient, Unknown
from tests.support.bus import a_topic, broker_pid, create, everything, until
from tests.support.in_time import over_before
from tests.support.local_stack import LocalStack
from tests.support.standing_still import standing_still

# For what has to end after a second: the client itself waits for fifteen. Shorter, and a process that stands still for a moment is late.
IN_TIME_S = 6.0


@pytest.fixture
async def topic(stack: LocalStack) -> Topic:
    return await create(stack.kafka, a_topic())


@pytest.fixture
async def producer(stack: LocalStack) -> AsyncIterator[Producer]:
    made = Producer(KafkaAddress(stack.kafka), client_id="test")
    await made.start()
    yield made
    await made.stop()


class TestSend:
    async def test_the_broker_has_what_was_sent(self, stack: LocalStack, producer: Producer, topic: Topic) -> None:
        await producer.send(topic, "a:b:c", b"body", [("ce_id", b"1")])
        (record,) = await everything(stack.kafka, topic)
        assert (record.key, record.value, record.headers) == (b"a:b:c", b"body", (("ce_id", b"1"),))

    async def test_a_key_always_has_the_same_partition(
        self, stack: LocalStack, producer: Producer, topic: Topic
    ) -> None:
        for _ in range(10):
            await producer.send(topic, "same", b"x")
        assert len({record.partition for record in await everything(stack.kafka, topic)}) == 1

    async def test_many_at_once_keep_their_order_per_key(
        self, stack: LocalStack, producer: Producer, topic: Topic
    ) -> None:
        await producer.send_all([Outgoing(topic, f"k{n % 7}", b"%06d" % n + b"." * 300) for n in range(4000)])
        by_key: dict[bytes, list[int]] = defaultdict(list)
        for record in await everything(stack.kafka, topic):
            by_key[record.key].append(int(record.value[:6]))
        assert sum(map(len, by_key.values())) == 4000
        assert all(numbers == sorted(numbers) for numbers in by_key.values())

    async def test_a_message_that_is_too_large_is_refused_for_good(self, producer: Producer, topic: Topic) -> None:
        with pytest.raises(Rejected, match="MESSAGE_TOO_LARGE"):
            await producer.send(topic, "k", b"x" * 4_000_000)
        await producer.send(topic, "k", b"x" * 2_900_000)

    async def test_after_the_broker_refused_one_the_next_are_taken(self, stack: LocalStack, producer: Producer) -> None:
        # An idempotent session whose batch was refused is out of sequence: without a new one nothing more gets through.
        topic = a_topic(partitions=1)
        admin = AIOKafkaAdminClient(bootstrap_servers=stack.kafka)
        await admin.start()
        await admin.create_topics([NewTopic(topic.name, 1, 1, topic_configs={"max.message.bytes": "2000"})])
        await admin.close()
        await producer.send(topic, "k", b"first")
        with pytest.raises(Rejected):
            await producer.send(topic, "k", b"x" * 5000)
        for number in range(3):
            await producer.send(topic, "k", b"%d" % number)
        assert [r.value for r in await everything(stack.kafka, topic)] == [b"first", b"0", b"1", b"2"]

    async def test_a_topic_that_is_not_there_is_said_in_time(self, producer: Producer) -> None:
        async with over_before(IN_TIME_S):
            with pytest.raises(Transient):
                await producer.send(a_topic(), "k", b"x", deadline=1.0)


class TestTogether:
    async def test_senders_at_once_share_a_request_and_keep_their_order(
        self, stack: LocalStack, producer: Producer, topic: Topic
    ) -> None:
        await producer.send(topic, "first", b"first")
        before = _requests(producer)
        await asyncio.gather(*(producer.send(topic, f"k{n % 7}", b"%03d" % n) for n in range(100)))
        assert _requests(producer) - before <= 4
        by_key: dict[bytes, list[int]] = defaultdict(list)
        for record in await everything(stack.kafka, topic):
            if record.value != b"first":
                by_key[record.key].append(int(record.value))
        assert sum(map(len, by_key.values())) == 100
        assert all(numbers == sorted(numbers) for numbers in by_key.values())

    async def test_who_sends_alone_waits_for_nobody(
        self, producer: Producer, topic: Topic, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await producer.send(topic, "k", b"warm")
        kept: list[object] = []
        depart = Departures._depart
        monkeypatch.setattr(Departures, "_depart", lambda departures: (kept.append(departures), depart(departures)))
        for number in range(5):
            await asyncio.sleep(0.03)
            await producer.send(topic, "k", b"%d" % number)
        assert kept == []
        assert producer._client._message_accumulator._linger_time == 0


def _requests(producer: Producer) -> int:
    """How many requests the client has sent to its one broker, by their running number."""
    (link,) = [one for (_, group), one in producer._client.client._conns.items() if one.host and not group]
    return int(link._correlation_id)


class TestBrokerAway:
    async def test_a_send_says_unknown_at_its_deadline_and_the_message_may_still_arrive(
        self, stack: LocalStack, producer: Producer, topic: Topic
    ) -> None:
        await producer.send(topic, "k", b"before")
        with standing_still(broker_pid(stack)):
            async with over_before(IN_TIME_S):
                with pytest.raises(Unknown):
                    await producer.send(topic, "k", b"during", deadline=1.0)
        await producer.send(topic, "k", b"after")
        values = [record.value for record in await everything(stack.kafka, topic)]
        assert values == [b"before", b"during", b"after"]

    async def test_many_say_unknown_together(self, stack: LocalStack, producer: Producer, topic: Topic) -> None:
        await producer.send(topic, "k", b"before")
        with standing_still(broker_pid(stack)), pytest.raises(Unknown):
            await producer.send_all([Outgoing(topic, f"k{n}", b"x") for n in range(50)], deadline=1.0)

    async def test_stopping_does_not_wait_for_it(self, stack: LocalStack, topic: Topic) -> None:
        made = Producer(KafkaAddress(stack.kafka), client_id="test")
        await made.start()
        await made.send(topic, "k", b"x")
        with standing_still(broker_pid(stack)):
            before = _requests(made)
            pending = asyncio.create_task(made.send(topic, "k", b"y", deadline=30.0))

            async def asked() -> bool:
                return _requests(made) > before

            await until(asked, "a request to the broker")
            async with over_before(2 * IN_TIME_S):
                await made.stop(within=1.0)
            pending.cancel()

    async def test_starting_without_one_is_transient(self) -> None:
        made = Producer(KafkaAddress("127.0.0.1:1"), client_id="test")
        with pytest.raises(Transient):
            await made.start(within=5)
        with pytest.raises(Transient, match="closed"):
            await made.send(a_topic(), "k", b"x")
