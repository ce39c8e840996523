"""What audiences tell of customers becomes one wish for each, through the mapper's own transaction on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from common.contracts.ids import ConnectionId, Entity, EventId, RecordId
from common.contracts.messages import WriteCommand
from common.contracts.syncs import NOBODY, MappingDefinition, MappingRow
from common.state import activity
from common.state.activity import Activity, ToldCustomer
from common.state.configuration import ConfigurationReader
from common.state.definitions import to_jsonb
from common.state.pool import Pool, close_pool, open_pool, transaction
from mapper.activity_news import ActivityNews
from mapper.mappings import Mappings
from mapper.redaction import Redaction
from tests.integration.mapper.test_facts import change, customer, named
from tests.integration.mapper.test_handlers import EMAIL, NOON, Mapper, configure
from tests.integration.mapper.test_redaction import traces_of
from tests.support.database import Database

NOTE = named(
    MappingRow("email", "email", required=True),
    MappingRow("merge.LINES", "facts.activity"),
    MappingRow("merge.STANDING", "facts.standing"),
)
LEG = """
insert into core.leg (sync, position, name, direction, source_connection, source_entity, target_connection, target_entity, target_place, mapping_version)
values ('s1', 2, 'note', 'within', 'books', 'customer', 'chimp', 'member', 'list1', 1)
"""


EVENT = MappingDefinition(
    1, (MappingRow("email", "join('', [id, '@ex.org'])", required=True), MappingRow("merge.TEXT", "text")), key="email"
)
EVENT_LEG = """
insert into core.leg (sync, position, name, direction, source_connection, source_entity, target_connection, target_entity, target_place, mapping_version)
values ('s1', 3, 'event', 'within', 'books', 'customer_activity', 'chimp', 'member', 'list1', 1)
"""


def row(record: str, number: int) -> Activity:
    return Activity(
        ToldCustomer(ConnectionId("books"), Entity("customer"), RecordId(record)), EventId(f"e{number:03}"), "profile", "event",
        NOON + timedelta(minutes=number), ConnectionId("chimp"), "mailchimp:1", "list1", f"{record}@ex.org", ("merge.FNAME",),
    )  # fmt: skip


@dataclass
class World:
    mapper: Mapper
    news: ActivityNews
    owner: Pool

    async def tell(self, *rows: Activity) -> None:
        async with transaction(self.mapper.pool) as tx:
            await activity.add(tx, rows, NOON)

    async def judge(self) -> list[WriteCommand]:
        before = len(self.mapper.wire.sent)
        while await self.news.step():
            pass
        return self.mapper.wire.sent[before:]


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    owner = await open_pool(database.owner_url, name="test owner", size=1)
    await configure(owner, MappingDefinition(1, (EMAIL,), key="email"))
    await _leg(owner, LEG, "note", NOTE)
    pool = await open_pool(database.url("service"), name="mapper", size=4)
    mapper = Mapper(pool)
    yield World(mapper, ActivityNews(pool, mapper.clock, ConfigurationReader(), Mappings(), mapper.publisher), owner)
    await close_pool(pool)
    await close_pool(owner)


async def _leg(owner: Pool, leg: str, name: str, definition: MappingDefinition) -> None:
    async with transaction(owner) as tx:
        await tx.execute(leg)
        await tx.execute(
            "insert into core.mapping_version (sync, leg, version, definition, created_at) values ('s1', $1, 1, $2, $3)",
            name, to_jsonb(definition), NOON,
        )  # fmt: skip
        await tx.execute("update core.config_rev set revision = revision + 1")


class TestACustomer:
    async def test_of_whom_nobody_has_told_has_no_wish(self, world: World) -> None:
        sent = await world.mapper.handle(change("customer", "c", 1, run="full.1", email="c@ex.org"))
        assert [one.entity for one in sent] == ["customer"]
        assert await world.judge() == []
        assert len(await world.mapper.rows("select from flow.wanted")) == 1
        # No listing is for the leg, so its runs count each customer once.
        assert [one["entity"] for one in await world.mapper.rows("select entity from flow.run_record")] == ["customer"]

    async def test_with_fifty_events_has_one_wish_of_the_newest_and_the_member_none(self, world: World) -> None:
        await world.mapper.handle(customer("c"), customer("d"))
        for n in range(50):
            await world.tell(row("c", n), row("c", n // 2))
        (command,) = await world.judge()
        assert (command.entity, command.record, command.revision) == ("note", "c", 1)
        lines = command.document["merge.LINES"]
        assert [one["id"] for one in lines] == [f"e{n:03}" for n in range(49, 29, -1)]
        assert (lines[0]["at"], lines[0]["text"]) == ("2026-05-04T12:49:00+00:00", "chimp: changed FNAME")
        # A repeat tells nothing, and an event from long ago is none of the newest.
        await world.tell(row("c", 49), row("c", -9))
        assert await world.judge() == []

    async def test_is_judged_with_what_was_committed_last_by_whoever_comes_last(self, world: World) -> None:
        await world.mapper.handle(customer("c"))

        async def work(first: int) -> None:
            for n in range(first, 30, 2):
                await world.tell(row("c", n))
                await world.news.step()

        await asyncio.gather(work(0), work(1))
        (found,) = await world.mapper.rows("select document from flow.wanted where entity = 'note'")
        assert [one["id"] for one in found["document"]["merge.LINES"]] == [f"e{n:03}" for n in range(29, 9, -1)]

    async def test_that_nobody_knows_yet_is_judged_once_it_is_told(self, world: World) -> None:
        await world.tell(row("c", 1))
        assert await world.judge() == []
        sent = await world.mapper.handle(customer("c"))
        assert sorted(one.entity for one in sent) == ["customer", "note"]


class TestAnEvent:
    async def test_is_a_record_of_its_own_where_a_leg_wants_it_once_and_in_order(self, world: World) -> None:
        await world.mapper.handle(customer("c"), customer("d"))
        await world.tell(row("c", 0))
        assert {one.entity for one in await world.judge()} == {"note"}
        await _leg(world.owner, EVENT_LEG, "event", EVENT)
        for n in (2, 1, 2, 3):
            await world.tell(row("c", n), row("d", n))
        sent = [one for one in await world.judge() if one.entity == "event"]
        names = sorted(one.record for one in sent)
        assert [name[: len("c-20260504T120000")] for name in names] == [
            *(f"c-20260504T120{n}00" for n in range(4)), *(f"d-20260504T120{n}00" for n in range(1, 4)),
        ]  # fmt: skip
        assert len(set(names)) == len(names) == len(sent)
        assert {one.document["merge.TEXT"] for one in sent} == {"chimp: changed FNAME"}
        await world.tell(row("c", 3))
        assert await world.judge() == []

    async def test_is_none_where_the_setting_of_a_file_has_switched_the_leg_off(self, world: World) -> None:
        await _leg(world.owner, EVENT_LEG, "event", replace(EVENT, filter=NOBODY))
        await world.mapper.handle(customer("c"))
        await world.tell(row("c", 1))
        assert [one.entity for one in await world.judge()] == ["note"]
        assert await world.mapper.rows("select from flow.record_state where entity = 'customer_activity'") == []

    async def test_is_forgotten_with_whom_it_is_of(self, world: World) -> None:
        await _leg(world.owner, EVENT_LEG, "event", EVENT)
        async with transaction(world.owner) as tx:
            await tx.execute("update core.connection set vendor = 'quickbooks' where id = 'books'")
        await world.mapper.handle(customer("c"), customer("d"))
        await world.tell(replace(row("c", 1), reason="zora"), replace(row("d", 1), reason="stays"))
        assert len(await world.judge()) == 4
        stays = await traces_of(world.owner, "stays")
        assert await traces_of(world.owner, "zora") == stays
        await world.mapper.rows(
            "insert into flow.privacy_request (id, connection, kind, entities, records, received_at, next_at) "
            f"values ('r', 'books', 'redact', '{{customer}}', '{{c}}', '{NOON.isoformat()}', '{NOON.isoformat()}')"
        )
        job = Redaction(world.mapper.pool, world.mapper.clock)
        for _ in range(3):
            while await job.step():
                pass
            world.mapper.clock.advance(60)
        assert (await traces_of(world.owner, "zora"), await traces_of(world.owner, "stays")) == (set(), stays)
