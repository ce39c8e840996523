"""A sync with two legs, from its file to commands: each leg goes its own way, and all of them stop together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from common.bus.batch import Origin
from common.bus.connection import KafkaAddress
from common.bus.consumer import BatchConsumer
from common.bus.limits import ConsumerLimits
from common.bus.producer import Producer
from common.bus.topics_admin import create_topics
from common.bus.trace import MessagingTrace
from common.contracts.messages import ChangeEvent, WriteCommand
from common.contracts.topics import changes, commands
from common.metrics import Metrics
from common.state.pool import transaction
from console.state import records
from tests.support.bus import everything, plain_producer, until
from tests.support.database import Database
from tests.support.local_stack import LocalStack
from tests.support.two_legs import BILLS, PEOPLE, TwoLegs, leg, told, two_legs
from writing.queue import Queue


@pytest.fixture
async def world(database: Database) -> AsyncIterator[TwoLegs]:
    async with two_legs(database) as world:
        yield world


def came(sent: list[WriteCommand]) -> list[tuple[str, str, str]]:
    return sorted((one.entity, one.record, one.wish) for one in sent)


class TestEachLeg:
    async def test_leads_its_records_to_its_own_target(self, world: TwoLegs) -> None:
        await world.apply()
        sent = await world.handle(told("customer", 1, number="C1", name="Ana"), told("invoice", 1, number="I1"))
        assert sorted((c.entity, c.target, c.target_entity, c.place, c.mode, c.document["code"]) for c in sent) == [
            ("customer", "right", "card", "n", "state", "C1"),
            ("invoice", "right", "slip", "s", "once", "I1"),
        ]

    async def test_that_runs_back_reads_the_other_side(self, world: TwoLegs) -> None:
        back = leg("customer", "card", name="customer-back", direction="back")
        await world.apply(PEOPLE, back)
        sent = await world.handle(told("customer", 1, number="L"), told("customer", 1, number="R", at="right"))
        # The same record id on both sides: two records, each of its own leg.
        assert sorted((c.entity, c.source, c.target, c.document["code"]) for c in sent) == [
            ("customer", "left", "right", "L"),
            ("customer-back", "right", "left", "R"),
        ]

    async def test_is_deleted_from_alone(self, world: TwoLegs) -> None:
        await world.apply()
        await world.handle(told("customer", 1, number="C1"), told("invoice", 1, number="I1"))
        assert came(await world.handle(told("customer", 2, gone=True))) == [("customer", "1", "absent")]
        (other,) = await world.rows("select wish, revision from flow.wanted where entity = 'invoice'")
        assert tuple(other) == ("present", 1)

    async def test_goes_on_while_another_cannot_map(self, world: TwoLegs) -> None:
        await world.apply()
        sent = await world.handle(told("customer", 1, number=None), told("invoice", 1, number="I1"))
        assert came(sent) == [("customer", "1", "absent"), ("invoice", "1", "present")]

    async def test_goes_on_while_anothers_mapping_is_broken(self, world: TwoLegs) -> None:
        await world.apply()
        await world.rows(
            """insert into core.mapping_version (sync, leg, version, definition, created_at)
               select sync, leg, 2, jsonb_set(definition, '{rows,0,transforms}', '[{"name": "shout"}]'), now()
                 from core.mapping_version where leg = 'customer'"""
        )
        await world.rows("update core.leg set mapping_version = 2 where name = 'customer'")
        sent = await world.handle(told("customer", 1, number="C1"), told("invoice", 1, number="I1"))
        assert came(sent) == [("invoice", "1", "present")]

    async def test_of_one_entity_may_be_two(self, world: TwoLegs) -> None:
        await world.apply(PEOPLE, leg("customer", "slip", name="receipts"))
        sent = await world.handle(told("customer", 1, number="C1"))
        assert came(sent) == [("customer", "1", "present"), ("receipts", "1", "present")]


class TestPlaces:
    async def test_a_leg_takes_those_of_its_own(self, world: TwoLegs) -> None:
        await world.apply(leg("customer", "card", source_place="South"))
        sent = await world.handle(
            told("customer", 1, "1", number="A", place="n"),
            told("customer", 1, "2", number="B", place="s"),
            told("customer", 1, "3", number="C"),
        )
        assert came(sent) == [("customer", "2", "present"), ("customer", "3", "present")]

    async def test_a_record_that_moves_elsewhere_leaves(self, world: TwoLegs) -> None:
        await world.apply(leg("customer", "card", source_place="South"))
        await world.handle(told("customer", 1, number="A", place="s"))
        (left,) = await world.handle(told("customer", 2, number="A", place="n"))
        assert (left.wish, left.document) == ("absent", {"how": "archive"})
        (back,) = await world.handle(told("customer", 3, number="A", place="s"))
        assert (back.wish, back.revision) == ("present", 3)


class TestVersions:
    async def test_an_edit_of_one_leg_judges_only_its_records_again(self, world: TwoLegs) -> None:
        await world.apply()
        await world.handle(told("customer", 1, number="C1", name="Ana"), told("invoice", 1, number="I1", name="Bill"))
        await world.remap()
        rows = [*BILLS["rows"], {"target": "remark", "from": "name"}]
        applied = await world.apply(PEOPLE, {**BILLS, "rows": rows})
        told_of = {one.leg.name: (one.outcome, one.leg.mapping and one.leg.mapping.version) for one in applied.legs}
        assert (applied.outcome, applied.version) == ("changed", 2)
        assert told_of == {"customer": ("unchanged", 1), "invoice": ("changed", 2)}
        (sent,) = await world.remap()
        assert (sent.entity, sent.mapping_version, sent.document["remark"]) == ("invoice", 2, "Bill")
        jobs = await world.rows("select leg, mapping_version from flow.remap order by 1, 2")
        assert [tuple(job) for job in jobs] == [("customer", 1), ("invoice", 1), ("invoice", 2)]

    async def test_a_leg_can_be_added(self, world: TwoLegs) -> None:
        await world.apply(PEOPLE)
        await world.handle(told("invoice", 1, number="I1"))
        applied = await world.apply()
        assert (applied.outcome, applied.version) == ("changed", 2)
        assert came(await world.remap()) == [("invoice", "1", "present")]


class TestPreview:
    async def test_tells_of_each_leg_and_of_all(self, world: TwoLegs) -> None:
        await world.apply()
        await world.handle(told("customer", 1, "1", number="A"), told("customer", 1, "2", number="B"))
        await world.handle(told("invoice", 1, "1", number=None))
        shown = await world.previews.of_sync("both", 20, unmask=True)
        assert [(one["leg"], one["total"], one["unchanged"], one["skipped"]) for one in shown["legs"]] == [
            ("customer", 2, 2, 0),
            ("invoice", 1, 0, 1),
        ]
        assert (shown["total"], shown["unchanged"], shown["skipped"]) == (3, 2, 1)

    async def test_of_a_file_compares_each_leg_with_what_it_wants_now(self, world: TwoLegs) -> None:
        await world.apply()
        await world.handle(told("customer", 1, number="A", name="Ana"), told("invoice", 1, number="B", name="Bo"))
        rows = [*BILLS["rows"], {"target": "remark", "from": "name"}]
        shown = await world.previews.of_wish(world.body(PEOPLE, {**BILLS, "rows": rows}).wish(), 20, unmask=True)
        assert [(one["leg"], one["unchanged"], one["update"]) for one in shown["legs"]] == [
            ("customer", 1, 0),
            ("invoice", 0, 1),
        ]


class TestPause:
    async def test_stops_the_writes_of_both_and_keeps_judging(self, world: TwoLegs) -> None:
        await world.apply()
        await world.syncs.pause("both")
        sent = await world.handle(told("customer", 1, number="C1"), told("invoice", 1, number="I1"))
        assert came(sent) == [("customer", "1", "present"), ("invoice", "1", "present")]
        for one in sent:
            await world.rows(
                """insert into flow.work_item (sync, entity, record, source, connection, place, revision, wish, document, mapping_version,
                                               target_entity, target_key, lane, priority, happened_at, state, due_at, received_at, changed_at)
                   values ($1, $2, $3, $4, $5, $6, 1, 'present', $7, 1, $8, $9, 'live', 0, now(), 'ready', now(), now(), now())""",
                one.sync, one.entity, one.record, one.source, one.target, one.place, one.document, one.target_entity,
                one.document["code"],
            )  # fmt: skip
        assert await self.due(world) == []
        await world.syncs.resume("both", "a person")
        assert await self.due(world) == ["right"]

    async def due(self, world: TwoLegs) -> list[str]:
        queue = Queue(world.pool, world.clock, {}, timedelta(seconds=60))
        return [one.connection for one in await queue.due(await world.known())]

    async def test_disabled_judges_neither(self, world: TwoLegs) -> None:
        await world.apply()
        await world.syncs.disable("both", "ana")
        assert await world.handle(told("customer", 1, number="C1"), told("invoice", 1, number="I1")) == []
        shown = await world.syncs.resume("both", "a person")
        assert {leg.mapping.version for leg in shown.row.legs if leg.mapping} == {2}
        assert came(await world.remap()) == [("customer", "1", "present"), ("invoice", "1", "present")]


class TestThroughKafka:
    async def test_changes_of_two_entities_become_commands_of_two_legs(
        self, database: Database, stack: LocalStack
    ) -> None:
        address = KafkaAddress(stack.kafka)
        await create_topics(address, [changes("desk"), commands("desk")])
        trace = MessagingTrace.of_process()
        producer = Producer(address, client_id="legs", trace=trace)
        await producer.start()
        try:
            async with two_legs(database, producer) as world:
                await world.apply()
                await self.consumed(world, address, trace, stack.kafka)
                sent = await everything(stack.kafka, commands("desk"))
        finally:
            await producer.stop()
        found = [(record.key, WriteCommand.model_validate_json(record.value)) for record in sent]
        assert sorted((key.decode(), c.target_entity, c.mode, c.revision) for key, c in found) == [
            *[(f"both:customer:{n}", "card", "state", 1) for n in range(5)],
            *[(f"both:invoice:{n}", "slip", "once", 1) for n in range(5)],
        ]

    async def consumed(self, world: TwoLegs, address: KafkaAddress, trace: MessagingTrace, kafka: str) -> None:
        events = [told(entity, 1, str(n), number=f"N{n}") for n in range(5) for entity in ("customer", "invoice")]
        # Told twice: a repeat is no command.
        await send(kafka, events + events)
        consumer: BatchConsumer[ChangeEvent] = BatchConsumer(
            world.handler, address=address, pool=world.pool, origin=Origin("mapper", "1", "map"), metrics=Metrics(),
            now=world.clock.now, trace=trace, limits=ConsumerLimits(), stores_places=True,
        )  # fmt: skip
        stopping = asyncio.Event()
        running = asyncio.create_task(consumer.run(stopping))

        async def through() -> bool:
            (row,) = await world.rows(
                """select count(*) filter (where step = 'duplicate') as repeats,
                          (select count(*) from flow.wanted where published_revision = revision) as published from flow.journal"""
            )
            return (row["repeats"], row["published"]) == (10, 10)

        try:
            await until(through, "twenty changes were judged and ten wishes published")
        finally:
            stopping.set()
            await running


async def send(kafka: str, events: list[ChangeEvent]) -> None:
    async with plain_producer(kafka) as producer:
        for event in events:
            key = f"{event.connection}:{event.entity}:{event.record}".encode()
            await producer.send_and_wait(changes("desk").name, event.model_dump_json().encode(), key=key)


class TestRows:
    async def test_of_one_sync_name_the_leg_and_those_of_a_source_its_entity(self, world: TwoLegs) -> None:
        await world.apply(leg("customer", "card", name="people"))
        await world.handle(told("customer", 1, number="C1"))
        steps = await world.rows("select step, sync, connection, entity from flow.journal order by id")
        assert [tuple(row) for row in steps] == [
            ("received", "", "left", "customer"),
            ("mapped", "both", "left", "people"),
        ]
        async with transaction(world.console) as tx:
            key = records.RecordKey("left", "customer", "1")
            assert [row["step"] for row in await records.timeline(tx, key, None, 10)] == ["mapped", "received"]
            (found,) = await records.read(tx, [key])
            assert [(half.leg, half.place) for half in found.counterparts] == [("people", "n")]
