"""The bus against aiokafka alone: the same topic, the same parsing, a transaction per batch only on our side."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Sequence
from typing import Any

import structlog
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.figures import Figure, cpu_us, least, rows
from bench.machine import beside, glance
from bench.reports import options, report
from bench.samples import body_of, fill, headers_of, made_topic
from bench.servers import servers
from bench.tracing import traceparent, tracing
from common.bus.batch import Origin
from common.bus.connection import KafkaAddress
from common.bus.consumer import BatchConsumer
from common.bus.handler import Delivered
from common.bus.producer import Outgoing, Producer
from common.bus.record import RawRecord
from common.bus.trace import MessagingTrace
from common.clock import SystemClock
from common.contracts.messages import ChangeEvent
from common.contracts.topics import Topic
from common.metrics import Metrics
from common.state.pool import DbConnection, Pool, close_pool, open_pool
from tests.support.database import Database, Server
from tests.support.local_stack import LocalStack

RECORDS = 20_000
SENDS = 6_000
IN_FLIGHT = 64
ROUNDS = 4
CONSUMER_BOUND = 3.5
PRODUCER_BOUND = 2.0
TRACING_BOUND = 1.2


def main(words: Sequence[str] | None = None) -> int:
    asked = options("bus", str(__doc__)).parse_args(words)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with servers() as stack:
        first = glance()
        goals, found = rows(uvloop.run(figures(stack)))
    return report(goals, found | beside(first, glance()), asked)


async def figures(stack: LocalStack) -> list[Figure]:
    """All figures of the bus."""
    server = Server.of(stack)
    database = await server.create(f"bench_{uuid.uuid4().hex[:8]}", template=await server.template())
    await server.set_passwords(database.name)
    try:
        return await _consuming(stack, database) + await _producing(stack)
    finally:
        await server.drop(database.name)


async def _consuming(stack: LocalStack, database: Database) -> list[Figure]:
    topic = await made_topic(stack)
    await fill(stack, topic, RECORDS)
    pool = await open_pool(database.url("service"), name="bench", size=2)
    off, target = MessagingTrace(), await made_topic(stack)
    with tracing() as on:
        async with _producers(stack, on) as (_, untraced_producer, traced_producer):
            bare, ours, traced, hop, traced_hop = await least(
                ROUNDS,
                lambda: cpu_us(lambda: _bare_loop(stack, topic)),
                lambda: cpu_us(lambda: _our_consumer(stack, topic, pool, off)),
                lambda: cpu_us(lambda: _our_consumer(stack, topic, pool, on)),
                lambda: cpu_us(lambda: _our_consumer(stack, topic, pool, off, (untraced_producer, target))),
                lambda: cpu_us(lambda: _our_consumer(stack, topic, pool, on, (traced_producer, target))),
            )
    await close_pool(pool)
    return [
        Figure("consume: our batches / bare getmany, both parsing", bare, ours, CONSUMER_BOUND),
        Figure("consume: tracing on at default sampling / off", ours, traced, TRACING_BOUND),
        Figure("consume and send on: tracing on at default sampling / off", hop, traced_hop, TRACING_BOUND),
    ]


async def _producing(stack: LocalStack) -> list[Figure]:
    topic = await made_topic(stack)
    messages = [(f"books-1:customer:{n}", body_of(n), headers_of(n)) for n in range(SENDS)]
    causes = [RawRecord("t", 0, n, b"k", b"", (("traceparent", traceparent(n)),), 0) for n in range(SENDS)]
    with tracing() as on:
        async with _producers(stack, on) as (bare, ours, traced):
            singles = await least(
                ROUNDS,
                lambda: cpu_us(lambda: _bare_sends(bare, topic, messages)),
                lambda: cpu_us(lambda: _our_sends(ours, topic, messages, causes)),
                lambda: cpu_us(lambda: _our_sends(traced, topic, messages, causes)),
            )
            batches = await least(
                ROUNDS,
                lambda: cpu_us(lambda: _our_batches(ours, topic, messages, causes)),
                lambda: cpu_us(lambda: _our_batches(traced, topic, messages, causes)),
            )
    return [
        Figure(f"send: ours / bare send_and_wait, {IN_FLIGHT} in flight", singles[0], singles[1], PRODUCER_BOUND),
        Figure("send: tracing on at default sampling / off", singles[1], singles[2], TRACING_BOUND),
        Figure("send_all of 500: ours / bare send_and_wait", singles[0], batches[0], PRODUCER_BOUND),
        Figure("send_all of 500: tracing on at default sampling / off", batches[0], batches[1], TRACING_BOUND),
    ]


class _producers:
    """A bare producer and two of ours."""

    def __init__(self, stack: LocalStack, on: MessagingTrace) -> None:
        self._bare: Any = AIOKafkaProducer(bootstrap_servers=stack.kafka, acks="all", enable_idempotence=True)
        address = KafkaAddress(stack.kafka)
        self._ours = Producer(address, client_id="bench", deadline=60)
        self._traced = Producer(address, client_id="bench", deadline=60, trace=on)

    async def __aenter__(self) -> tuple[Any, Producer, Producer]:
        await asyncio.gather(self._bare.start(), self._ours.start(), self._traced.start())
        return self._bare, self._ours, self._traced

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(self._bare.stop(), self._ours.stop(), self._traced.stop())


class Counting:
    """A handler that does nothing with what it reads, and says when it has read everything."""

    def __init__(self, topic: Topic, everything: asyncio.Event, forward: tuple[Producer, Topic] | None) -> None:
        self.topic = topic
        self.group = f"bench-{uuid.uuid4().hex[:8]}"
        self._everything = everything
        self._forward = forward
        self._seen = 0

    def parse(self, record: RawRecord) -> ChangeEvent:
        return ChangeEvent.model_validate_json(record.value or b"")

    async def store(self, batch: Sequence[Delivered[ChangeEvent]], tx: DbConnection) -> None:
        self._seen += len(batch)

    async def after(self, batch: Sequence[Delivered[ChangeEvent]]) -> None:
        if self._forward is not None:
            producer, target = self._forward
            records = (one.record for one in batch)
            await producer.send_all(
                [Outgoing(target, (r.key or b"").decode(), r.value or b"", r.headers[:8], cause=r) for r in records]  # type: ignore[arg-type]
            )
        if self._seen >= RECORDS:
            self._everything.set()


async def _our_consumer(
    stack: LocalStack,
    topic: Topic,
    pool: Pool,
    trace: MessagingTrace,
    forward: tuple[Producer, Topic] | None = None,
) -> int:
    everything = asyncio.Event()
    consumer = BatchConsumer(
        Counting(topic, everything, forward),
        address=KafkaAddress(stack.kafka),
        pool=pool,
        origin=Origin("bench", "0", "map"),
        metrics=Metrics(),
        now=SystemClock().now,
        trace=trace,
    )
    await asyncio.wait_for(consumer.run(everything), 120)
    return RECORDS


async def _bare_loop(stack: LocalStack, topic: Topic) -> int:
    consumer = AIOKafkaConsumer(
        topic.name, bootstrap_servers=stack.kafka, group_id=f"bare-{uuid.uuid4().hex[:8]}",
        auto_offset_reset="earliest", enable_auto_commit=False,
    )  # fmt: skip
    await consumer.start()
    seen = 0
    while seen < RECORDS:
        for records in (await consumer.getmany(timeout_ms=25, max_records=500)).values():
            for record in records:
                ChangeEvent.model_validate_json(record.value)
            seen += len(records)
    await consumer.stop()
    return seen


async def _bare_sends(
    producer: Any, topic: Topic, messages: Sequence[tuple[str, bytes, list[tuple[str, bytes]]]]
) -> int:
    async def work(start: int) -> None:
        for key, value, headers in messages[start::IN_FLIGHT]:
            await producer.send_and_wait(topic.name, value, key=key.encode(), headers=headers)

    await asyncio.gather(*(work(start) for start in range(IN_FLIGHT)))
    return len(messages)


async def _our_sends(
    producer: Producer,
    topic: Topic,
    messages: Sequence[tuple[str, bytes, list[tuple[str, bytes]]]],
    causes: Sequence[RawRecord],
) -> int:
    async def work(start: int) -> None:
        for number in range(start, len(messages), IN_FLIGHT):
            key, value, headers = messages[number]
            await producer.send(topic, key, value, headers, cause=causes[number])

    await asyncio.gather(*(work(start) for start in range(IN_FLIGHT)))
    return len(messages)


async def _our_batches(
    producer: Producer,
    topic: Topic,
    messages: Sequence[tuple[str, bytes, list[tuple[str, bytes]]]],
    causes: Sequence[RawRecord],
) -> int:
    for start in range(0, len(messages), 500):
        pairs = zip(messages[start : start + 500], causes[start : start + 500], strict=True)
        await producer.send_all([Outgoing(topic, key, value, headers, cause) for (key, value, headers), cause in pairs])
    return len(messages)


if __name__ == "__main__":
    raise SystemExit(main())
