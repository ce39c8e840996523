"""The mapper against aiokafka alone: `python -m bench mapper`.

The same topic is read by a bare loop that parses each change, maps it by the same compiled mapping, hashes the document and sends the command on,
and by the mapper's own consumer, which also stores the state, the wish, the journal and the ledger of its run. Once every change is new, and
once every one is known already: then the bare loop sends nothing, and ours reads what it has to, and writes the journal.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.figures import Figure, cpu_us, least, rows
from bench.machine import beside, glance
from bench.reports import options, report
from bench.samples import fill, made_topic
from bench.servers import servers
from bench.tracing import tracing
from common.bus.batch import Origin
from common.bus.connection import KafkaAddress
from common.bus.consumer import BatchConsumer
from common.bus.handler import Delivered
from common.bus.producer import Producer
from common.bus.topics_admin import create_topics
from common.bus.trace import MessagingTrace
from common.clock import SystemClock
from common.contracts.ids import content_hash
from common.contracts.messages import ChangeEvent
from common.contracts.syncs import MappingDefinition
from common.contracts.topics import Topic, commands
from common.metrics import Metrics
from common.state.configuration import ConfigurationReader
from common.state.definitions import to_jsonb
from common.state.pool import Pool, close_pool, open_pool, transaction
from mapper.handlers import ChangeHandler
from mapper.mapping.definitions import read_definition, template
from mapper.mapping.engine import compile_mapping
from mapper.mappings import Mappings
from mapper.publisher import Publisher
from tests.support.database import Database, Server
from tests.support.legs import ONE_LEG
from tests.support.local_stack import LocalStack
from vendors.mailchimp.target import MailchimpTarget

RECORDS = 6_000
ROUNDS = 3
BOUND, MOONSHOT = 3.0, 1.6
TRACING_BOUND = 1.2
TEMPLATE = "zoho-books-to-mailchimp-basic"


def main(words: Sequence[str] | None = None) -> int:
    asked = options("mapper", str(__doc__)).parse_args(words)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with servers() as stack:
        first = glance()
        goals, found = rows(uvloop.run(figures(stack)))
    return report(goals, found | beside(first, glance()), asked)


async def figures(stack: LocalStack) -> list[Figure]:
    """All figures of the mapper, in a database of its own."""
    server = Server.of(stack)
    database = await server.create(f"bench_{uuid.uuid4().hex[:8]}", template=await server.template())
    await server.set_passwords(database.name)
    try:
        await configure(database, read_definition(1, template(TEMPLATE)))
        return await _measured(stack, database)
    finally:
        await server.drop(database.name)


async def _measured(stack: LocalStack, database: Database) -> list[Figure]:
    topic = await made_topic(stack, "zoho-books")
    await create_topics(KafkaAddress(stack.kafka), [commands("mailchimp")])
    await fill(stack, topic, RECORDS)
    pool = await open_pool(database.url("service"), name="bench", size=4)
    with tracing() as on:
        off = MessagingTrace()
        bare_new, new, traced_new = await least(
            ROUNDS,
            lambda: cpu_us(lambda: _bare(stack, topic, sends=True)),
            lambda: _anew(stack, database, topic, pool, off),
            lambda: _anew(stack, database, topic, pool, on),
        )
        bare_known, known, traced_known = await least(
            ROUNDS,
            lambda: cpu_us(lambda: _bare(stack, topic, sends=False)),
            lambda: cpu_us(lambda: _ours(stack, topic, pool, off)),
            lambda: cpu_us(lambda: _ours(stack, topic, pool, on)),
        )
    await close_pool(pool)
    return [
        Figure("new: mapper / bare getmany that maps and sends", bare_new, new, BOUND, MOONSHOT),
        Figure("new: tracing on at default sampling / off", new, traced_new, TRACING_BOUND),
        Figure("known: mapper / bare getmany that maps", bare_known, known, BOUND, MOONSHOT),
        Figure("known: tracing on at default sampling / off", known, traced_known, TRACING_BOUND),
    ]


class Counting(ChangeHandler):
    """The mapper's handler, which says when everything has been read."""

    def __init__(self, topic: Topic, everything: asyncio.Event, pool: Pool, producer: Producer) -> None:
        configuration = ConfigurationReader()
        super().__init__(
            topic,
            clock=SystemClock(),
            configuration=configuration,
            mappings=Mappings(),
            publisher=Publisher(pool, producer, configuration),
            settle=timedelta(seconds=3),
        )
        self.group = f"bench-{uuid.uuid4().hex[:8]}"
        self._everything = everything
        self._seen = 0

    async def after(self, batch: Sequence[Delivered[ChangeEvent]]) -> None:
        await super().after(batch)
        self._seen += len(batch)
        if self._seen >= RECORDS:
            self._everything.set()


async def _anew(stack: LocalStack, database: Database, topic: Topic, pool: Pool, trace: MessagingTrace) -> float:
    """As if nobody had ever been told anything."""
    owner = await open_pool(database.owner_url, name="bench owner", size=1)
    async with transaction(owner) as tx:
        await tx.execute(
            "truncate flow.record_state, flow.wanted, flow.journal, flow.run_record, flow.run_count, flow.run cascade"
        )
    await close_pool(owner)
    return await cpu_us(lambda: _ours(stack, topic, pool, trace))


async def _ours(stack: LocalStack, topic: Topic, pool: Pool, trace: MessagingTrace) -> int:
    address, everything = KafkaAddress(stack.kafka), asyncio.Event()
    producer = Producer(address, client_id="bench", deadline=60, trace=trace)
    await producer.start()
    consumer = BatchConsumer(
        Counting(topic, everything, pool, producer),
        address=address,
        pool=pool,
        origin=Origin("bench", "0", "map"),
        metrics=Metrics(),
        now=SystemClock().now,
        trace=trace,
        stores_places=True,
    )
    await asyncio.wait_for(consumer.run(everything), 300)
    await producer.stop()
    return RECORDS


async def _bare(stack: LocalStack, topic: Topic, *, sends: bool) -> int:
    mapping = compile_mapping(read_definition(1, template(TEMPLATE)), collected=MailchimpTarget.choices.collected)
    target = commands("mailchimp").name
    consumer = AIOKafkaConsumer(
        topic.name, bootstrap_servers=stack.kafka, group_id=f"bare-{uuid.uuid4().hex[:8]}",
        auto_offset_reset="earliest", enable_auto_commit=False,
    )  # fmt: skip
    producer: Any = AIOKafkaProducer(bootstrap_servers=stack.kafka, acks="all", enable_idempotence=True)
    await asyncio.gather(consumer.start(), producer.start())
    seen = 0
    while seen < RECORDS:
        sent = []
        for records in (await consumer.getmany(timeout_ms=25, max_records=500)).values():
            for record in records:
                change = ChangeEvent.model_validate_json(record.value)
                document = mapping.apply(change.fields).document
                content_hash(document)
                if sends:
                    wish = change.model_copy(update={"fields": document})
                    sent.append(await producer.send(target, wish.model_dump_json().encode(), key=record.key))
            seen += len(records)
        await asyncio.gather(*sent)
        await consumer.commit()
    await asyncio.gather(consumer.stop(), producer.stop())
    return seen


async def configure(database: Database, definition: MappingDefinition) -> None:
    """Two connections and the sync between them, as whoever applies a sync leaves them."""
    pool, now = await open_pool(database.owner_url, name="bench owner", size=1), datetime.now(UTC)
    async with transaction(pool) as tx:
        for name, vendor in (("books-1", "zoho-books"), ("chimp", "mailchimp")):
            await tx.execute(
                "insert into core.connection (id, vendor, name, state, created_at, updated_at) values ($1, $2, $1, 'active', $3, $3)",
                name, vendor, now,
            )  # fmt: skip
        await tx.execute(
            """insert into core.sync (id, name, template, source_connection, target_connection, state, mapping_version, created_at, updated_at)
               values ('s1', 's1', $1, 'books-1', 'chimp', 'active', $2, $3, $3)""",
            TEMPLATE, definition.version, now,
        )  # fmt: skip
        await tx.execute(ONE_LEG, "list1")
        await tx.execute(
            "insert into core.mapping_version (sync, leg, version, definition, created_at) values ('s1', 'customer', $1, $2, $3)",
            definition.version, to_jsonb(definition), now,
        )  # fmt: skip
        await tx.execute("update core.leg set mapping_version = $1", definition.version)
    await close_pool(pool)


if __name__ == "__main__":
    raise SystemExit(main())
