"""A service for tests of the bus: it writes each record into a ledger and counts how often it has seen it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import orjson
from pydantic import Field

from common.bus.batch import Origin
from common.bus.connection import KafkaAddress
from common.bus.consumer import BatchConsumer
from common.bus.handler import Delivered
from common.bus.limits import ConsumerLimits
from common.bus.producer import Outgoing, Producer
from common.bus.record import RawRecord
from common.contracts.messages import ChangeEvent
from common.contracts.topics import Topic
from common.runtime import Runtime
from common.service import run
from common.settings import ServiceSettings
from common.state.pool import DbConnection, close_pool, open_pool


class LedgerSettings(ServiceSettings):
    """Which topic, and how slowly."""

    ledger_topic: str = Field(description="The topic.")
    ledger_partitions: int = Field(3, description="Its partitions.")
    ledger_group: str = Field(description="The group.")
    ledger_delay: float = Field(0.0, description="Seconds each batch takes inside its transaction.")
    ledger_max_records: int = Field(100, description="Records in a batch.")
    ledger_forward: str = Field("", description="A topic to which every record is sent on.")
    ledger_places: bool = Field(False, description="Whether its places are stored with its batches.")
    ledger_session_s: float = Field(6.0, description="The session timeout.")


class Ledger:
    """Stores {"number": n}; what is not that is unreadable."""

    def __init__(
        self,
        topic: Topic,
        group: str,
        *,
        delay: float = 0,
        forward: Topic | None = None,
        producer: Producer | None = None,
    ) -> None:
        self.topic = topic
        self.group = group
        self._delay = delay
        self._forward = forward
        self._producer = producer

    def parse(self, record: RawRecord) -> int:
        return int(orjson.loads(record.value or b"")["number"])

    async def store(self, batch: Sequence[Delivered[int]], tx: DbConnection) -> None:
        await tx.executemany(
            "insert into flow.ledger as l (topic, partition, at, key, number) values ($1, $2, $3, $4, $5) "
            "on conflict (topic, partition, at) do update set seen = l.seen + 1",
            [
                (
                    one.record.topic,
                    one.record.partition,
                    one.record.offset,
                    (one.record.key or b"").decode(),
                    one.message,
                )
                for one in batch
            ],
        )
        if self._delay:
            await asyncio.sleep(self._delay)

    async def after(self, batch: Sequence[Delivered[int]]) -> None:
        if self._forward is not None and self._producer is not None:
            await self._producer.send_all(
                [
                    Outgoing(self._forward, (one.record.key or b"").decode(), one.record.value or b"", cause=one.record)
                    for one in batch
                ]
            )


def topic_named(name: str, partitions: int) -> Topic:
    return Topic(name, "changes", "test", ChangeEvent, "{key}", "A test.", partitions=partitions)


@asynccontextmanager
async def build(runtime: Runtime[LedgerSettings]) -> AsyncIterator[None]:
    settings = runtime.settings
    address = KafkaAddress.of(settings)
    pool = await open_pool(settings.database_url.reveal(), name="ledger", size=4)
    producer = Producer(address, client_id="ledger") if settings.ledger_forward else None
    if producer is not None:
        await producer.start()
    handler = Ledger(
        topic_named(settings.ledger_topic, settings.ledger_partitions),
        settings.ledger_group,
        delay=settings.ledger_delay,
        forward=topic_named(settings.ledger_forward, settings.ledger_partitions) if producer else None,
        producer=producer,
    )
    consumer = BatchConsumer(
        handler,
        address=address,
        pool=pool,
        origin=Origin("ledger", "test", "write"),
        metrics=runtime.metrics,
        now=runtime.clock.now,
        limits=ConsumerLimits(
            max_records=settings.ledger_max_records, session_timeout_s=settings.ledger_session_s, wait_s=(0.2, 2.0)
        ),
        stores_places=settings.ledger_places,
    )
    consuming = runtime.spawn(consumer.run(runtime.stopping), "consumer")
    try:
        yield
    finally:
        await asyncio.wait({consuming})
        if producer is not None:
            await producer.stop(within=2)
        await close_pool(pool, within=2)


if __name__ == "__main__":
    raise SystemExit(run("ledger", LedgerSettings, build))
