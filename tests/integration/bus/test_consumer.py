"""What becomes of a record in a batch: stored, a dead letter byte for byte, or read again; never skipped in silence."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from common import failpoints
from common.bus.batch import ConsumerFailed, Origin
from common.bus.connection import KafkaAddress
from common.bus.consumer import BatchConsumer
from common.bus.handler import Delivered
from common.bus.limits import ConsumerLimits
from common.clock import SystemClock
from common.contracts.topics import Topic
from common.failures import Rejected, Transient
from common.metrics import Metrics
from common.state.dead_letters import DeadLetters, LetterFilter, StoredLetter
from common.state.pool import DbConnection, Pool, close_pool, connection, open_pool
from tests.support.bus import a_topic, committed, create, everything, fill, make_ledger, plain_producer, sql, until
from tests.support.database import Database
from tests.support.ledger_service import Ledger
from tests.support.local_stack import LocalStack
from tests.support.proxy import proxy_to

# Longer than a busy machine lets anybody wait: who loses its place in the group handles a batch twice.
SESSION_S = 30.0
LIMITS = ConsumerLimits(session_timeout_s=SESSION_S, wait_s=(0.1, 0.3), look_every_s=0.3, drain_s=3.0, max_records=100)
# How long a test waits for what comes in a second.
PATIENCE_S = 60.0
SNOWMAN = "\N{SNOWMAN}".encode()


class Scene:
    """A topic, a database and a handler whose behaviour the test chooses."""

    def __init__(self, kafka: str, database: Database, topic: Topic, pool: Pool) -> None:
        self.kafka = kafka
        self.database = database
        self.topic = topic
        self.group = f"test-{uuid.uuid4().hex[:8]}"
        self.pool = pool
        self.metrics = Metrics()
        self.stopping = asyncio.Event()
        self.stores_places = False
        self.stored: list[int] = []
        self.produced: list[int] = []

    def consumer(self, handler: Any = None, **limits: Any) -> BatchConsumer[Any]:
        return BatchConsumer(
            handler or self.handler(),
            address=KafkaAddress(self.kafka),
            pool=self.pool,
            origin=Origin("test", "0.1", "map"),
            metrics=self.metrics,
            now=SystemClock().now,
            limits=ConsumerLimits(**{**{f: getattr(LIMITS, f) for f in LIMITS.__slots__}, **limits}),
            stores_places=self.stores_places,
        )

    def handler(self, **behaviour: Any) -> Scripted:
        return Scripted(self, **behaviour)

    def running(self, consumer: BatchConsumer[Any] | None = None) -> AbstractAsyncContextManager[asyncio.Task[None]]:
        return running(consumer or self.consumer(), self.stopping)

    async def letters(self) -> list[StoredLetter]:
        async with connection(self.pool) as link:
            return await DeadLetters(link).find(LetterFilter())

    async def rows(self) -> list[int]:
        async with connection(self.pool) as link:
            return [r[0] for r in await link.fetch("select number from flow.ledger order by number")]

    async def until_committed(self, count: int) -> None:
        async def done() -> bool:
            return await committed(self.kafka, self.group, self.topic) >= count

        await until(done, f"{count} committed records", within=PATIENCE_S)


class Scripted(Ledger):
    """The ledger, with faults where the test asks for them."""

    def __init__(
        self,
        scene: Scene,
        *,
        on_store: Callable[[int, Delivered[int]], Awaitable[None] | None] | None = None,
        on_after: Callable[[Sequence[int]], Awaitable[None] | None] | None = None,
    ) -> None:
        super().__init__(scene.topic, scene.group)
        self._scene = scene
        self._on_store = on_store
        self._on_after = on_after

    async def store(self, batch: Sequence[Delivered[int]], tx: DbConnection) -> None:
        await super().store(batch, tx)
        for one in batch:
            if self._on_store is not None and (waiting := self._on_store(one.message, one)) is not None:
                await waiting
            self._scene.stored.append(one.message)

    async def after(self, batch: Sequence[Delivered[int]]) -> None:
        numbers = [one.message for one in batch]
        if self._on_after is not None and (waiting := self._on_after(numbers)) is not None:
            await waiting
        self._scene.produced += numbers


@asynccontextmanager
async def running(consumer: BatchConsumer[Any], stopping: asyncio.Event) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(consumer.run(stopping))
    try:
        yield task
    finally:
        stopping.set()
        await asyncio.wait({task}, timeout=PATIENCE_S)
        assert task.done(), "the consumer did not stop"
        stopping.clear()
    await task


@pytest.fixture(params=["committed", "stored"])
async def scene(stack: LocalStack, database: Database, request: pytest.FixtureRequest) -> AsyncIterator[Scene]:
    """Whatever is promised holds for groups whose place only Kafka keeps, and for those that store it (R27)."""
    await make_ledger(database)
    topic = await create(stack.kafka, a_topic())
    pool = await open_pool(database.url("service"), name="test", size=4)
    made = Scene(stack.kafka, database, topic, pool)
    made.stores_places = request.param == "stored"
    yield made
    await close_pool(pool)


async def send(scene: Scene, *records: tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]) -> None:
    async with plain_producer(scene.kafka) as producer:
        for key, value, headers in records:
            await producer.send_and_wait(scene.topic.name, value, key=key, partition=0, headers=headers)


class TestUnreadable:
    RECORDS = (
        (b"k", b"not json", [("ce_id", b"1"), ("ce_id", b"2")]),
        (None, b'{"number": "x"}', []),
        (b"\xff\x00\xfe", b"\x00\xff" + SNOWMAN[:2], [("binary", b"\x00\xff"), ("empty", b"")]),
        (b"tombstone", None, [("traceparent", b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01")]),
        (b"", b"", []),
    )

    async def test_each_is_one_dead_letter_byte_for_byte_and_the_partition_goes_on(self, scene: Scene) -> None:
        await send(scene, (b"k", b'{"number": 1}', []), *self.RECORDS, (b"k", b'{"number": 2}', []))
        async with scene.running():
            await scene.until_committed(7)
        letters = [stored.letter for stored in await scene.letters()]
        assert [(x.key, x.value, list(x.headers)) for x in letters] == [
            (key, value, headers) for key, value, headers in self.RECORDS
        ]
        assert [(x.topic, x.partition, x.offset, x.group) for x in letters] == [
            (scene.topic.name, 0, offset, scene.group) for offset in range(1, 6)
        ]
        assert {(x.code, x.kind.value, x.stage) for x in letters} == {("MESSAGE_UNREADABLE", "REJECTED", "map")}
        assert letters[3].trace_id == "a" * 32
        assert await scene.rows() == [1, 2]
        assert scene.produced == [1, 2]
        assert b'code="MESSAGE_UNREADABLE",service="test"} 5.0' in scene.metrics.exposition()[0]

    async def test_a_header_without_a_value_is_kept_as_such(self, scene: Scene) -> None:
        await send(scene, (b"k", b"?", [("null", None), ("x", b"y")]))  # type: ignore[list-item]
        async with scene.running():
            await scene.until_committed(1)
        (stored,) = await scene.letters()
        assert stored.letter.headers == (("null", None), ("x", b"y"))

    async def test_the_reason_does_not_quote_the_record(self, scene: Scene) -> None:
        await send(scene, (b"k", b'{"number": "anna@example.org"}', []))
        async with scene.running():
            await scene.until_committed(1)
        (stored,) = await scene.letters()
        assert "anna" not in stored.letter.message
        assert "ValueError" in stored.letter.message

    async def test_read_again_it_is_the_same_letter(self, scene: Scene) -> None:
        await send(scene, (b"k", b"?", []))
        with failpoints.armed("bus.before_commit=raise:RuntimeError"), pytest.raises(RuntimeError):
            await asyncio.wait_for(scene.consumer().run(asyncio.Event()), PATIENCE_S)
        async with scene.running():
            await scene.until_committed(1)
        (stored,) = await scene.letters()
        assert stored.attempts == 2


class TestRejected:
    async def test_by_its_handler_it_is_a_dead_letter_in_the_same_transaction(self, scene: Scene) -> None:
        def reject(number: int, one: Delivered[int]) -> None:
            if number == 3:
                one.reject(Rejected("HANDLER_BUG", "not\0 wanted", vendor_status=422, vendor_words="no\ud800"))

        await fill(scene.kafka, scene.topic, range(6), keys=1)
        async with scene.running(scene.consumer(scene.handler(on_store=reject))):
            await scene.until_committed(6)
        (stored,) = await scene.letters()
        assert json.loads(stored.letter.value or b"") == {"number": 3}
        assert (stored.letter.message, stored.letter.vendor_words) == ("not\ufffd wanted", "no\ufffd")
        assert stored.letter.vendor_status == 422
        assert scene.produced == [0, 1, 2, 4, 5]


class TestBug:
    async def test_one_record_is_blamed_and_its_neighbours_are_handled(self, scene: Scene) -> None:
        def fail(number: int, _: Delivered[int]) -> None:
            if number == 4:
                raise KeyError("anna@example.org")

        await fill(scene.kafka, scene.topic, range(9), keys=1)
        async with scene.running(scene.consumer(scene.handler(on_store=fail))):
            await scene.until_committed(9)
        (stored,) = await scene.letters()
        assert (stored.letter.code, stored.letter.kind.value) == ("HANDLER_BUG", "BUG")
        assert "KeyError at test_consumer.py" in stored.letter.message
        assert "anna" not in stored.letter.message
        assert await scene.rows() == [0, 1, 2, 3, 5, 6, 7, 8]
        assert sorted(set(scene.produced)) == [0, 1, 2, 3, 5, 6, 7, 8]

    async def test_a_value_the_database_refuses_is_about_that_record(self, scene: Scene) -> None:
        await send(scene, (b"k", b'{"number": 1}', []), (b"k", b'{"number": 99999999999999999999}', []))
        async with scene.running():
            await scene.until_committed(2)
        (stored,) = await scene.letters()
        assert stored.letter.code == "HANDLER_BUG"
        assert await scene.rows() == [1]

    async def test_after_the_store_the_culprit_is_buried_too(self, scene: Scene) -> None:
        def fail(numbers: Sequence[int]) -> None:
            if 2 in numbers:
                raise ZeroDivisionError

        await fill(scene.kafka, scene.topic, range(5), keys=1)
        async with scene.running(scene.consumer(scene.handler(on_after=fail))):
            await scene.until_committed(5)
        assert scene.produced == [0, 1, 3, 4]
        assert [json.loads(s.letter.value or b"")["number"] for s in await scene.letters()] == [2]

    async def test_a_schema_that_does_not_fit_stops_the_consumer_instead_of_burying_everything(
        self, scene: Scene
    ) -> None:
        async with sql(scene.database.owner_url) as link:
            await link.execute("drop table flow.ledger")
        await fill(scene.kafka, scene.topic, range(5))
        consumer = scene.consumer()
        with pytest.raises(ConsumerFailed, match="does not fit this version"):
            await asyncio.wait_for(consumer.run(asyncio.Event()), PATIENCE_S)
        assert await scene.letters() == []
        assert await committed(scene.kafka, scene.group, scene.topic) == 0


class TestAway:
    async def test_a_database_that_is_away_is_waited_for_and_nothing_is_lost(
        self, stack: LocalStack, database: Database
    ) -> None:
        await make_ledger(database)
        topic = await create(stack.kafka, a_topic())
        async with proxy_to(database.server.address) as proxy:
            url = database.url("service").replace(database.server.address, f"127.0.0.1:{proxy.port}")
            pool = await open_pool(url, name="test", size=2)
            scene = Scene(stack.kafka, database, topic, pool)
            consumer = scene.consumer()
            async with scene.running(consumer):
                await fill(stack.kafka, topic, range(50))
                await scene.until_committed(50)
                proxy.cut()
                await fill(stack.kafka, topic, range(50, 100))

                async def waits() -> bool:
                    try:
                        await consumer.ready()
                    except ConsumerFailed as reason:
                        return "waits" in str(reason)
                    return False

                await until(waits, "the consumer to say that it waits")
                assert await committed(stack.kafka, scene.group, topic) == 50
                proxy.mend()
                await scene.until_committed(100)
                assert await consumer.ready() == f"3 partitions of {topic.name}"
            assert await scene.rows() == list(range(100))
            await close_pool(pool)

    async def test_a_producer_that_cannot_send_repeats_the_batch(self, scene: Scene) -> None:
        tries: list[int] = []

        def fail_twice(numbers: Sequence[int]) -> None:
            tries.append(len(numbers))
            if len(tries) <= 2:
                raise Transient("BROKER_UNAVAILABLE", "away")

        await fill(scene.kafka, scene.topic, range(10), keys=1)
        async with scene.running(scene.consumer(scene.handler(on_after=fail_twice))):
            await scene.until_committed(10)
        assert scene.produced == list(range(10))
        assert len(tries) == 3
        assert await scene.letters() == []

    async def test_waiting_ends_at_once_when_the_service_stops(self, scene: Scene) -> None:
        def always(_: Sequence[int]) -> None:
            raise Transient("BROKER_UNAVAILABLE", "away")

        await fill(scene.kafka, scene.topic, range(3))
        consumer = scene.consumer(scene.handler(on_after=always), wait_s=(300.0, 300.0))
        async with scene.running(consumer) as task:

            async def waits() -> bool:
                return bool(scene.stored)

            await until(waits, "the first try")
            scene.stopping.set()
            await asyncio.wait_for(asyncio.shield(task), PATIENCE_S)
        assert await committed(scene.kafka, scene.group, scene.topic) == 0


class TestRebalance:
    async def test_a_second_member_takes_over_without_loss(self, scene: Scene) -> None:
        numbers, shared = range(1500), asyncio.Event()
        await fill(scene.kafka, scene.topic, numbers)

        async def slowly(*_: Any) -> None:
            # There has to be work left when the second one has come.
            await asyncio.sleep(0.002 if shared.is_set() else 0.02)

        handler = scene.handler(on_store=slowly)
        # Who is there hears of the other one with its next heartbeat, three of which are in a session.
        first, second = (scene.consumer(handler, max_records=40, session_timeout_s=6.0) for _ in range(2))
        async with scene.running(first):

            async def begun() -> bool:
                return len(scene.stored) > 100

            await until(begun, "some work")
            async with running(second, asyncio.Event()):
                await until(lambda: _shares(first), "the second one has partitions", within=PATIENCE_S)
                shared.set()
                await scene.until_committed(1500)
        assert await scene.rows() == list(numbers)
        # What was under way when the partitions moved may come twice, not more.
        assert len(scene.stored) - 1500 <= 80


class TestLostRecords:
    async def test_what_retention_cut_before_it_was_read_stops_the_consumer(self, scene: Scene) -> None:
        await fill(scene.kafka, scene.topic, range(30), keys=1)
        async with scene.running():
            await scene.until_committed(30)
        await fill(scene.kafka, scene.topic, range(30, 60), keys=1)
        await _delete_before(scene, 45)
        with pytest.raises(ConsumerFailed, match="lost records 30 to 44 to retention"):
            await asyncio.wait_for(scene.consumer().run(asyncio.Event()), PATIENCE_S)
        assert await scene.rows() == list(range(30))

    async def test_a_log_that_ends_before_where_the_group_stood_stops_it_too(self, scene: Scene) -> None:
        await fill(scene.kafka, scene.topic, range(5), keys=1)
        await _commit(scene, 1000)
        with pytest.raises(ConsumerFailed, match="made anew or lost its end"):
            await asyncio.wait_for(scene.consumer().run(asyncio.Event()), PATIENCE_S)
        assert await scene.rows() == []

    async def test_a_new_group_begins_at_the_earliest_record_there_is(self, scene: Scene) -> None:
        await fill(scene.kafka, scene.topic, range(30), keys=1)
        await _delete_before(scene, 10)
        async with scene.running():
            await scene.until_committed(30)
        assert await scene.rows() == list(range(10, 30))


class TestStuck:
    async def test_a_handler_without_progress_ends_the_consumer(self, scene: Scene) -> None:
        async def hang(*_: Any) -> None:
            await asyncio.sleep(3600)

        await fill(scene.kafka, scene.topic, range(3))
        consumer = scene.consumer(scene.handler(on_store=hang), stalled_after_s=1.0, drain_s=0.2)
        with pytest.raises(ConsumerFailed, match="made no progress"):
            await asyncio.wait_for(consumer.run(asyncio.Event()), PATIENCE_S)
        assert await committed(scene.kafka, scene.group, scene.topic) == 0

    async def test_an_idle_topic_is_no_stall(self, scene: Scene) -> None:
        consumer = scene.consumer(stalled_after_s=0.5, look_every_s=0.1)
        async with scene.running(consumer) as task:
            await asyncio.wait({task}, timeout=2)
            assert not task.done()


class TestIdle:
    async def test_a_record_on_a_quiet_topic_is_handled_in_a_moment(self, scene: Scene) -> None:
        """Whoever waits for the end of a poll waits for longer than this test does."""
        async with (
            scene.running(scene.consumer(poll_ms=300_000, calm_ms=300_000)),
            plain_producer(scene.kafka) as producer,
        ):
            for number in range(6):
                await producer.send_and_wait(scene.topic.name, b'{"number": %d}' % number, key=b"k")

                async def handled(wanted: int = number) -> bool:
                    return scene.produced == list(range(wanted + 1))

                await until(handled, f"record {number} was handled", within=30)


class TestBatchesGrow:
    async def test_under_load_and_vanish_without_it(self, scene: Scene) -> None:
        sizes: list[int] = []
        handler = scene.handler(on_after=lambda numbers: sizes.append(len(numbers)))
        async with scene.running(scene.consumer(handler)), plain_producer(scene.kafka) as producer:

            async def sends(number: int) -> None:
                await producer.send_and_wait(scene.topic.name, b'{"number": %d}' % number, key=b"k%d" % number)

            await sends(0)
            await scene.until_committed(1)
            # They come by their own pace, and not by that of the broker's answers: those are late on a busy machine.
            coming = []
            for number in range(1, 401):
                coming.append(asyncio.create_task(sends(number)))
                await asyncio.sleep(0.002)
            await asyncio.gather(*coming)
            await scene.until_committed(401)
            under_load = len(sizes) - 1
            await asyncio.sleep(1.0)
            for number in range(401, 404):
                await sends(number)
                await scene.until_committed(number + 1)
        assert sum(sizes) == 404
        assert 400 / under_load >= 8, f"400 records came in {under_load} batches: {sizes}"
        assert sizes[0] == 1
        assert sizes[-3:] == [1, 1, 1]

    async def test_a_stored_place_is_told_to_kafka_less_often_than_it_is_stored(self, scene: Scene) -> None:
        told: list[object] = []
        # A batch takes a busy machine as long as the pause of production.
        consumer = scene.consumer(max_records=10, tell_every_s=2.0)
        async with scene.running(consumer):
            await until(lambda: _is_ready(consumer), "the consumer is ready")
            client = consumer._membership.consumer
            commits = client.commit

            async def counted(offsets: object) -> None:
                told.append(offsets)
                await commits(offsets)

            client.commit = counted
            await fill(scene.kafka, scene.topic, range(400))
            await scene.until_committed(400)
        batches = 400 // 10
        assert len(told) < batches / 2 if scene.stores_places else len(told) >= batches
        assert sorted(scene.stored) == list(range(400))


async def _shares(consumer: BatchConsumer[Any]) -> bool:
    """Whether it has some of three partitions, and not all."""
    return len(consumer._membership.consumer.assignment()) in (1, 2)


async def _is_ready(consumer: BatchConsumer[Any]) -> bool:
    try:
        return bool(await consumer.ready())
    except ConsumerFailed:
        return False


async def _delete_before(scene: Scene, offset: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=scene.kafka)
    await admin.start()
    try:
        partition = await _partition_of_k0(scene)
        await admin.delete_records({TopicPartition(scene.topic.name, partition): RecordsToDelete(before_offset=offset)})
    finally:
        await admin.close()


async def _partition_of_k0(scene: Scene) -> int:
    return int((await everything(scene.kafka, scene.topic))[0].partition)


async def _commit(scene: Scene, offset: int) -> None:
    consumer = AIOKafkaConsumer(bootstrap_servers=scene.kafka, group_id=scene.group, enable_auto_commit=False)
    await consumer.start()
    try:
        partition = TopicPartition(scene.topic.name, await _partition_of_k0(scene))
        consumer.assign([partition])
        await consumer.commit({partition: offset})
    finally:
        await consumer.stop()
