"""Whole accounts are read in pages, from where they stand, on their schedule: on a real database, with the wire in hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common import failpoints
from common.bus.producer import Outgoing
from common.clock import FixedClock
from common.contracts.connections import Connection
from common.contracts.messages import ChangeEvent, Lane, Version
from common.failures import Failure, Transient
from common.http.call import Call, VendorAnswer
from common.state.configuration import ConfigurationReader
from common.state.pool import Pool, close_pool, open_pool, transaction
from ingest.poller import Poller
from tests.support.bus import until
from tests.support.database import Database

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
EVERY = timedelta(minutes=5)


@dataclass
class Books:
    """An organisation, its door and the topic."""

    clock: FixedClock
    contacts: dict[str, datetime] = field(default_factory=dict)
    sent: list[ChangeEvent] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    async def send_all(self, messages: Sequence[Outgoing]) -> None:
        self.sent += [ChangeEvent.model_validate_json(m.value) for m in messages]

    def open(self, profile: Any, connection: Connection) -> Books:
        return self

    def edit(self, *records: int, at: datetime) -> None:
        self.contacts |= {str(record): at for record in records}

    async def call(self, call: Call) -> VendorAnswer:
        self.calls.append(call)
        if self.failures:
            raise self.failures.pop(0)
        page, size = int(call.query["page"]), int(call.query["per_page"])
        newest_first = call.query["sort_column"] == "last_modified_time"
        order = sorted(self.contacts, key=lambda one: (self.contacts[one], int(one)), reverse=True)
        rows = order if newest_first else sorted(self.contacts, key=int)
        shown = [_row(one, self.contacts[one]) for one in rows[(page - 1) * size : page * size]]
        told = {"code": 0, "contacts": shown, "page_context": {"has_more_page": page * size < len(rows)}}
        return VendorAnswer(200, {}, json.dumps(told).encode(), self.clock.now(), "", 0.01)


def _row(record: str, at: datetime) -> dict[str, Any]:
    stamp = at.strftime("%Y-%m-%dT%H:%M:%S+0000")
    return {
        "contact_id": record,
        "contact_name": "Ana",
        "contact_type": "customer",
        "email": f"p{record}@ex.org",
        "last_modified_time": stamp,
    }


@dataclass
class World:
    pool: Pool
    owner: Pool
    books: Books
    clock: FixedClock

    def poller(self) -> Poller:
        """A process that has just started."""
        return Poller(self.pool, self.books, self.books, ConfigurationReader(), self.clock)

    async def poll(self) -> list[str]:
        """What a reading tells of, if one is due."""
        before = len(self.books.sent)
        await self.poller().step()
        return [event.record for event in self.books.sent[before:]]

    async def sql(self, statement: str, *values: Any) -> list[Any]:
        async with transaction(self.owner) as tx:
            return list(await tx.fetch(statement, *values))

    async def row(self) -> Any:
        (found,) = await self.sql("select * from flow.poll")
        return found

    async def mapped(self) -> None:
        """The mapper has read everything that is on the topic."""
        await self.sql(
            """
            insert into flow.record_state (connection, entity, record, sequence, first_at, changed_at)
            select 'books', 'customer', r, s, $3, $3 from unnest($1::text[], $2::text[]) as n(r, s)
            on conflict (connection, entity, record) do update set sequence = excluded.sequence
            """,
            [event.record for event in self.books.sent],
            [event.version.sequence for event in self.books.sent],
            self.clock.now(),
        )


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    owner = await open_pool(database.owner_url, name="owner", size=1)
    pool = await open_pool(database.url("service"), name="ingest", size=3)
    clock = FixedClock(NOW)
    made = World(pool, owner, Books(clock), clock)
    for id, vendor in (("books", "zoho-books"), ("chimp", "mailchimp")):
        await made.sql(
            "insert into core.connection (id, vendor, name, state, created_at, updated_at) values ($1, $2, $1, 'active', $3, $3)",
            id, vendor, NOW,
        )  # fmt: skip
    await made.sql(
        "insert into core.sync (id, name, template, source_connection, target_connection, state, created_at, updated_at, created_by)"
        " values ('s', 'customers', 't', 'books', 'chimp', 'active', $1, $1, 'ada')", NOW,
    )  # fmt: skip
    await made.sql(
        "insert into core.leg (sync, name, source_connection, source_entity, target_connection, target_entity, target_place, mapping_version)"
        " values ('s', 'customer', 'books', 'customer', 'chimp', 'member', 'list', 1)"
    )
    await made.sql(
        "insert into core.mapping_version (sync, version, leg, definition, created_at, created_by)"
        " values ('s', 1, 'customer', $1, $2, 'ada')", {"rows": [], "key": "email", "version": 1}, NOW,
    )  # fmt: skip
    yield made
    await close_pool(pool)
    await close_pool(owner)


def long_ago(world: World, count: int) -> None:
    world.books.edit(*range(count), at=NOW - timedelta(days=9))


class TestBackfill:
    async def test_reads_everything_at_once_a_call_a_page_behind_live_work(self, world: World) -> None:
        long_ago(world, 450)
        assert len(await world.poll()) == 450
        assert [call.priority for call in world.books.calls] == ["backfill"] * 3
        assert {(e.via, e.lane) for e in world.books.sent} == {("backfill", Lane.BACKFILL)}
        assert len({event.run for event in world.books.sent}) == 1

    async def test_its_run_is_there_from_its_start_and_knows_how_many_were_read(self, world: World) -> None:
        long_ago(world, 250)
        await world.poll()
        (run,) = await world.sql("select * from flow.run join flow.run_source s on s.run = id")
        assert (run["id"], run["kind"], run["records_read"]) == (
            f"customers.{world.books.sent[0].run}",
            "backfill",
            250,
        )

    async def test_its_run_is_over_when_as_many_have_entered(self, world: World) -> None:
        long_ago(world, 3)
        await world.poll()
        run = f"customers.{world.books.sent[0].run}"
        for entered, over in ((2, False), (1, True)):
            await world.sql(
                "select flow.count_runs(array[$1], array['entered'], array[''], array[$2::bigint], $3)",
                run,
                entered,
                NOW,
            )
            await world.poll()
            (row,) = await world.sql("select closed_at is not null as over from flow.run where id = $1", run)
            assert row["over"] is over

    @pytest.mark.parametrize("point", ["poller.after_produce", "poller.after_page"])
    async def test_goes_on_where_it_was_cut(self, world: World, point: str) -> None:
        long_ago(world, 1000)
        with failpoints.armed(f"{point}=raise:RuntimeError@3"):
            await world.poll()
        assert await world.poll() == []
        await world.sql("update flow.poll set lease_until = now() - interval '1 second'")
        await world.poll()
        assert {event.record for event in world.books.sent} == {str(n) for n in range(1000)}
        assert len(world.books.calls) <= 6
        assert len({event.run for event in world.books.sent}) == 1
        assert (await world.row())["job"] == ""

    async def test_a_failed_page_waits_and_then_goes_on(self, world: World) -> None:
        long_ago(world, 500)
        world.books.failures = [Transient("VENDOR_BUSY", "busy", vendor_status=500)]
        assert await world.poll() == []
        row = await world.row()
        assert (row["attempts"], "busy" in row["words"], row["lease"]) == (1, True, None)
        world.clock.advance(60)
        assert len(await world.poll()) == 500


class TestPoll:
    @pytest.fixture
    async def known(self, world: World) -> World:
        """Everything was read and mapped a while ago."""
        long_ago(world, 250)
        await world.poll()
        await world.mapped()
        world.books.calls.clear()
        return world

    async def due(self, world: World) -> list[str]:
        world.clock.advance(EVERY.total_seconds())
        return await world.poll()

    async def test_nothing_changed_is_one_call_and_no_run(self, known: World) -> None:
        assert await self.due(known) == []
        assert len(known.books.calls) == 1
        assert [row["kind"] for row in await known.sql("select kind from flow.run")] == ["backfill"]

    async def test_is_not_due_before_its_time(self, known: World) -> None:
        known.clock.advance(EVERY.total_seconds() * 0.9)
        assert await known.poll() == []
        assert known.books.calls == []

    async def test_what_changed_comes_with_its_run(self, known: World) -> None:
        known.clock.advance(EVERY.total_seconds())
        known.books.edit(7, 8, at=known.clock.now() - timedelta(seconds=60))
        assert sorted(await known.poll()) == ["7", "8"]
        assert {(e.via, e.lane) for e in known.books.sent[-2:]} == {("poll", Lane.LIVE)}
        (run,) = await known.sql("select * from flow.run join flow.run_source s on s.run = id where kind = 'poll'")
        assert run["records_read"] == 2

    async def test_a_change_that_no_webhook_announced_makes_the_looks_come_closer(self, known: World) -> None:
        known.clock.advance(EVERY.total_seconds())
        known.books.edit(7, at=known.clock.now() - timedelta(seconds=60))
        await known.poll()
        assert (await known.row())["next_at"] <= known.clock.now() + timedelta(seconds=45)
        known.clock.advance(45)
        assert len(known.books.calls) == 1
        await known.poll()
        assert len(known.books.calls) == 2

    async def test_a_change_that_was_announced_does_not(self, known: World) -> None:
        known.clock.advance(EVERY.total_seconds())
        stamp = known.clock.now() - timedelta(seconds=60)
        known.books.edit(7, at=stamp)
        told = Version(stamp=stamp, settled=False).sequence
        await known.sql("update flow.record_state set sequence = $1 where record = '7'", told)
        assert await known.poll() == ["7"]
        assert (await known.row())["next_at"] > known.clock.now() + timedelta(minutes=4)

    async def test_close_looks_take_their_share_of_a_day_and_no_more(self, known: World) -> None:
        until = known.clock.now() + timedelta(hours=2)
        await known.sql(
            'update core.connection set details = \'{"organization_id": "1", "plan_name": "free"}\' where id = \'books\''
        )
        await known.sql("update flow.poll set quick_until = $1, calls = 179, calls_day = $2::date", until, NOW.date())
        await self.due(known)
        assert (await known.row())["next_at"] <= known.clock.now() + timedelta(seconds=45)
        known.clock.advance(45)
        await known.poll()
        assert (await known.row())["next_at"] > known.clock.now() + timedelta(minutes=4)


class TestMissing:
    async def read_again(self, world: World) -> list[str]:
        world.clock.advance(timedelta(days=1, minutes=1).total_seconds())
        await world.poll()
        return [
            row["record"]
            for row in await world.sql("select record from flow.read_request where reason = 'missing' order by 1")
        ]

    async def known(self, world: World, count: int) -> None:
        long_ago(world, count)
        await world.poll()
        await world.mapped()

    async def test_a_record_that_a_whole_listing_lacks_is_asked_for(self, world: World) -> None:
        await self.known(world, 250)
        del world.books.contacts["42"]
        assert await self.read_again(world) == ["42"]
        assert (await world.row())["missing"] == 0

    async def test_a_listing_that_was_cut_short_asks_for_nobody(self, world: World) -> None:
        await self.known(world, 450)
        world.clock.advance(timedelta(days=1, minutes=1).total_seconds())
        with failpoints.armed("poller.after_page=raise:RuntimeError@1"):
            await world.poll()
        world.books.contacts = {}
        await world.sql("update flow.poll set lease_until = now() - interval '1 second'")
        await world.poll()
        assert await world.sql("select * from flow.read_request") == []

    async def test_too_many_at_once_are_a_question(self, world: World) -> None:
        await self.known(world, 700)
        world.books.contacts = {record: at for record, at in world.books.contacts.items() if int(record) >= 301}
        assert await self.read_again(world) == []
        assert (await world.row())["missing"] == 301


class TestReaders:
    async def test_two_read_no_source_at_once(self, world: World) -> None:
        long_ago(world, 10)
        one, two = world.poller(), world.poller()
        with failpoints.armed("poller.after_produce=delay:0.3*1"):
            await asyncio.gather(one.step(), two.step())
        assert len(world.books.calls) == 1

    async def test_one_that_lost_its_lease_stores_nothing(self, world: World) -> None:
        long_ago(world, 450)
        poller = world.poller()
        with failpoints.armed("poller.after_produce=delay:0.5@1"):
            reading = asyncio.create_task(poller.step())

            async def sent() -> bool:
                return bool(world.books.sent)

            await until(sent, "the first page")
            await world.sql("update flow.poll set lease = gen_random_uuid()")
            await reading
        assert (await world.row())["cursor"] == ""
        assert len(world.books.calls) == 1

    async def test_a_paused_connection_waits_behind_its_gate(self, world: World) -> None:
        long_ago(world, 10)
        await world.sql("select core.set_gate('books', 'refused', null, $1, 'X', 'no', '')", NOW)
        assert await world.poll() == []
        assert world.books.calls == []
