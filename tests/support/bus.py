"""Topics, plain producers and the test service for tests of the bus on a real broker."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from common.bus.commits import commits_of
from common.bus.connection import KafkaAddress
from common.bus.topics_admin import create_topics
from common.contracts.messages import ChangeEvent
from common.contracts.topics import Topic
from millrace.stack.home import Home
from millrace.stack.state import read_state
from tests.support.database import Database
from tests.support.local_stack import LocalStack
from tests.support.programs import Program, start

T = TypeVar("T")

# A start of the test service on an idle machine with two cores.
STARTS_S = 0.4

LEDGER = """
create table flow.ledger (
    topic text, partition int, at bigint, key text, number bigint, seen int not null default 1,
    primary key (topic, partition, at)
)
"""


def a_topic(partitions: int = 3) -> Topic:
    """A topic of its own for one test."""
    return Topic(
        f"test.{uuid.uuid4().hex[:12]}", "changes", "test", ChangeEvent, "{key}", "A test.", partitions=partitions
    )


def broker_pid(stack: LocalStack) -> int:
    """The broker's own process, which is Java and no wrapper of it."""
    state = read_state(Home(stack.home))
    assert state is not None
    pid = int(state.units["kafka"].pid or 0)
    assert Path(f"/proc/{pid}/comm").read_text().strip() == "java"
    return pid


async def create(kafka: str, topic: Topic) -> Topic:
    await create_topics(KafkaAddress(kafka), [topic])
    return topic


@asynccontextmanager
async def plain_producer(kafka: str) -> AsyncIterator[Any]:
    """The client library's own producer, so that what a test sends does not pass the code under test."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def fill(kafka: str, topic: Topic, numbers: Sequence[int], *, keys: int = 5) -> None:
    """Sends {"number": n} with key n modulo `keys`, in order."""
    async with plain_producer(kafka) as producer:
        sent = [
            await producer.send(topic.name, json.dumps({"number": n}).encode(), key=f"k{n % keys}".encode())
            for n in numbers
        ]
        await asyncio.gather(*sent)


async def everything(kafka: str, topic: Topic) -> list[Any]:
    """All records of a topic, partition by partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, auto_offset_reset="earliest", enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [TopicPartition(topic.name, p) for p in sorted(consumer.partitions_for_topic(topic.name) or ())]
        partitions = partitions or [TopicPartition(topic.name, p) for p in range(topic.partitions)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        await consumer.seek_to_beginning()
        found: list[Any] = []
        while any([await consumer.position(p) < ends[p] for p in partitions]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += records
        return sorted(found, key=lambda r: (r.partition, r.offset))
    finally:
        await consumer.stop()


async def committed(kafka: str, group: str, topic: Topic) -> int:
    """The sum of the offsets a group has committed on a topic, as soon as somebody can tell: a young broker has no coordinator yet."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        offsets = await _as_soon_as_it_can(lambda: commits_of(admin, group))
    finally:
        await admin.close()
    return sum(max(0, o.offset) for tp, o in offsets.items() if tp.topic == topic.name)


async def _as_soon_as_it_can(ask: Callable[[], Awaitable[T]], *, within: float = 30.0) -> T:
    deadline = time.monotonic() + within
    while True:
        try:
            return await ask()
        except KafkaError as later:
            if not later.retriable or time.monotonic() >= deadline:
                raise
        await asyncio.sleep(0.1)


async def until(condition: Callable[[], Awaitable[T]], what: str, *, within: float = 60.0) -> T:
    """Waits for a condition and returns what it gave; a deadline ends it with words."""
    deadline = time.monotonic() + within
    while True:
        answer = await condition()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"{what} did not come within {within} s"
        await asyncio.sleep(0.05)


@asynccontextmanager
async def sql(url: str) -> AsyncIterator[Any]:
    link = await asyncpg.connect(url)
    try:
        yield link
    finally:
        await link.close()


async def fetchval(url: str, query: str, *values: object) -> Any:
    async with sql(url) as link:
        return await link.fetchval(query, *values)


async def make_ledger(database: Database) -> None:
    async with sql(database.owner_url) as link:
        await link.execute(LEDGER)


@dataclass
class LedgerService:
    """The test service (tests/support/ledger_service.py) as a process that can be killed."""

    kafka: str
    database: Database
    topic: Topic
    group: str
    folder: Path
    processes: list[Program] = field(default_factory=list)
    _start_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def start(self, **settings: str) -> Program:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("MILLRACE_")},
            "DATABASE_URL": self.database.url("service"),
            "REDIS_URL": "redis://127.0.0.1:1/0",
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka,
            "MILLRACE_TEST": "1",
            "MILLRACE_LEDGER_TOPIC": self.topic.name,
            "MILLRACE_LEDGER_PARTITIONS": str(self.topic.partitions),
            "MILLRACE_LEDGER_GROUP": self.group,
            **settings,
        }
        self._start_at = datetime.now(UTC)
        with (self.folder / f"ledger-{len(self.processes)}.log").open("wb") as log:
            process = start("tests.support.ledger_service", environment=environment, output=log)
        self.processes.append(process)
        return process

    def log(self, number: int = -1) -> str:
        number %= len(self.processes)
        return (self.folder / f"ledger-{number}.log").read_text()

    def granted(self, seconds: float) -> float:
        """What takes so long on a machine that has nothing else to do, as long as this one needs: by how long the last start took it."""
        lines = (json.loads(line) for line in self.log().splitlines() if line.startswith("{"))
        (started,) = (datetime.fromisoformat(one["timestamp"]) for one in lines if one["event"] == "service.started")
        return seconds * max(1.0, (started - self._start_at).total_seconds() / STARTS_S)

    def kill_all(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait(10)

    async def rows(self) -> int:
        return int(await fetchval(self.database.owner_url, "select count(*) from flow.ledger"))

    async def settled(self, count: int, *, within: float = 60.0) -> None:
        """Waits until all records are stored and their offsets committed."""

        async def done() -> bool:
            return await self.rows() >= count and await committed(self.kafka, self.group, self.topic) >= count

        await until(done, f"{count} records stored and committed", within=within)
