"""Whole accounts are read in pages, from where they stand, on their schedule: on a real database, with the wire in hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from common import failpoints
from common.bus.producer import Landed, Outgoing
from common.clock import FixedClock
from common.contracts.connections import Connection
from common.contracts.messages import ChangeEvent, Lane, Version
from common.failures import Failure, Transient
from common.http.call import Call, VendorAnswer
from common.state.configuration import ConfigurationReader
from common.state.pool import Pool, close_pool, open_pool, transaction
from ingest.poll_job import MANY_AT_ONCE
from ingest.poller import Poller
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
    told: asyncio.Event = field(default_factory=asyncio.Event)
    first_only: bool = False
    """Nothing is answered after the first page."""

    async def send_all(self, messages: Sequence[Outgoing]) -> Sequence[Landed]:
        before = len(self.sent)
        self.sent += [ChangeEvent.model_validate_json(m.value) for m in messages]
        self.told.set()
        return [Landed(3, offset) for offset in range(before, len(self.sent))]

    async def began(self) -> None:
        """The first page is on the topic."""
        async with asyncio.timeout(60):
            await self.told.wait()

    def open(self, profile: Any, connection: Connection) -> Books:
        return self

    def edit(self, *records: int, at: datetime) -> None:
        self.contacts |= {str(record): at for record in records}

    async def call(self, call: Call) -> VendorAnswer:
        if call.operation == "members.list":
            # Nobody has changed anything in the audience, which is read back.
            return VendorAnswer(200, {}, b'{"members": [], "total_items": 0}', self.clock.now(), "", 0.01)
        self.calls.append(call)
        if self.failures:
            raise self.failures.pop(0)
        if self.first_only and len(self.calls) > 1:
            await asyncio.Event().wait()
        page, size = int(call.query["page"]), int(call.query["per_page"])
        newest_first = call.query["sort_column"] == "last_modified_time"
        order = sorted(self.contacts, key=lambda one: (self.contacts[one], int(one)), reverse=True)
        rows = order if newest_first else sorted(self.contacts, key=int)
        kind = call.query["contact_type"]
        shown = [_row(one, self.contacts[one], kind) for one in rows[(page - 1) * size : page * size]]
        told = {"code": 0, "contacts": shown, "page_context": {"has_more_page": page * size < len(rows)}}
        return VendorAnswer(200, {}, json.dumps(told).encode(), self.clock.now(), "", 0.01)


def _row(record: str, at: datetime, kind: str) -> dict[str, Any]:
    stamp = at.strftime("%Y-%m-%dT%H:%M:%S+0000")
    return {
        "contact_id": record,
        "contact_name": "Ana",
        "contact_type": kind,
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
        (found,) = await self.sql("select * from flow.poll where connection = 'books'")
        return found

    async def mapper_is_at(self, offset: int) -> None:
        """It has judged everything before that."""
        await self.sql(
            "insert into flow.group_offset (consumer_group, topic, partition, era, next_offset) values ('mapper', 'changes.zoho-books', 3, 0, $1)"
            " on conflict (consumer_group, topic, partition) do update set next_offset = $1",
            offset,
        )

    async def entered(self, run: str, many: int) -> None:
        await self.sql(
            "select flow.count_runs(array[$1], array['entered'], array[''], array[$2::bigint], $3)", run, many, NOW
        )

    async def is_over(self, run: str) -> bool:
        await self.poll()
        (row,) = await self.sql("select closed_at is not null as over from flow.run where id = $1", run)
        return bool(row["over"])

    async def switched(self, state: str) -> None:
        await self.sql("update core.sync set state = $1", state)

    async def lease_over(self) -> None:
        await self.sql("update flow.poll set lease_until = now() - interval '1 second'")

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
        # What the next listing of everything is expected to have.
        assert (await world.row())["about"] == 450

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


class TestTheEndOfARun:
    async def begun(self, world: World, many: int = 3) -> str:
        long_ago(world, many)
        await world.poll()
        return f"customers.{world.books.sent[0].run}"

    async def test_comes_when_the_mapper_has_judged_all_of_it(self, world: World) -> None:
        run = await self.begun(world)
        await world.entered(run, 2)
        await world.mapper_is_at(2)
        assert not await world.is_over(run)
        await world.mapper_is_at(3)
        assert await world.is_over(run), (
            "the record that was lost in between makes its books not close, and not its end not come"
        )

    async def test_knows_what_was_sent_before_a_crash(self, world: World) -> None:
        long_ago(world, 1000)
        with failpoints.armed("poller.after_page=raise:RuntimeError@3"):
            await world.poll()
        await world.lease_over()
        await world.poll()
        (row,) = await world.sql("select sent, topic, calls from flow.run_source")
        assert (row["sent"], row["topic"]) == ({"3": len(world.books.sent)}, "changes.zoho-books")
        # A page that was asked for and not stored costs a call and is none of the run's.
        assert row["calls"] == 5

    async def test_of_a_sync_that_came_meanwhile_asks_for_no_number(self, world: World) -> None:
        long_ago(world, 450)
        with failpoints.armed("poller.after_page=raise:RuntimeError@1"):
            await world.poll()
        await world.sql(
            "insert into core.sync (id, name, template, source_connection, target_connection, state, created_at, updated_at, created_by)"
            " values ('late', 'late', 't', 'books', 'chimp', 'active', $1, $1, 'ada')", NOW,
        )  # fmt: skip
        await world.sql(
            "insert into core.leg (sync, name, source_connection, source_entity, target_connection, target_entity, target_place, mapping_version)"
            " select 'late', name, source_connection, source_entity, target_connection, target_entity, 'other', 1 from core.leg"
        )
        await world.sql(
            "insert into core.mapping_version (sync, version, leg, definition, created_at, created_by)"
            " select 'late', version, leg, definition, created_at, created_by from core.mapping_version"
        )
        world.clock.advance(1)
        await world.lease_over()
        await world.poll()
        rows = await world.sql("select run, records_read from flow.run_source order by run")
        job = world.books.sent[0].run
        assert [tuple(row) for row in rows] == [(f"customers.{job}", 450), (f"late.{job}", None)]
        await world.mapper_is_at(len(world.books.sent))
        assert await world.is_over(f"late.{job}")


class TestASyncThatIsDisabled:
    async def test_is_read_no_further_and_begins_anew_when_it_is_resumed(self, world: World) -> None:
        long_ago(world, 1000)
        poller, world.books.first_only = world.poller(), True
        reading = asyncio.create_task(poller.step())
        await world.books.began()
        await world.switched("disabled")
        await poller.step()
        await asyncio.wait_for(reading, 60)
        world.books.first_only = False
        read = len(world.books.calls)
        assert read < 5
        await world.lease_over()
        assert await world.poll() == []
        row = await world.row()
        assert (row["job"], row["cursor"], len(world.books.calls)) == ("", "", read)
        assert await world.sql("select * from flow.poll_seen") == []
        await world.switched("active")
        world.clock.advance(1)
        assert len(await world.poll()) == 1000
        jobs = list(dict.fromkeys(event.run for event in world.books.sent))
        assert len(jobs) == 2 and all(str(job).startswith("backfill.") for job in jobs)

    async def test_keeps_how_far_its_changes_were_read(self, world: World) -> None:
        long_ago(world, 250)
        await world.poll()
        await world.mapped()
        cursor = (await world.row())["cursor"]
        world.clock.advance(EVERY.total_seconds())
        world.books.edit(7, at=world.clock.now() - timedelta(seconds=60))
        with failpoints.armed("poller.after_page=raise:RuntimeError@1"):
            await world.poll()
        await world.switched("disabled")
        await world.lease_over()
        await world.poll()
        assert ((await world.row())["job"], (await world.row())["cursor"] >= cursor) == ("", True)

    async def test_a_connection_that_rests_keeps_its_place(self, world: World) -> None:
        long_ago(world, 1000)
        with failpoints.armed("poller.after_page=raise:RuntimeError@2"):
            await world.poll()
        await world.sql("update core.connection set state = 'connecting' where id = 'books'")
        await world.lease_over()
        await world.poll()
        assert (await world.row())["job"].startswith("backfill.")


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

    async def asks(self, known: World, options: dict[str, Any], version: int = 2) -> None:
        asked = {"rows": [], "key": "email", "version": version, "options": options}
        await known.sql(
            "insert into core.mapping_version (sync, version, leg, definition, created_at, created_by) values ('s', $3, 'customer', $1, $2, 'ada')",
            asked, NOW, version,
        )  # fmt: skip
        await known.sql("update core.leg set mapping_version = $1", version)

    async def test_comes_as_often_as_a_leg_asks_for(self, known: World) -> None:
        await self.asks(known, {"look_every": 60})
        await self.due(known)
        known.books.calls.clear()
        known.clock.advance(EVERY.total_seconds() * 11)
        await known.poll()
        assert known.books.calls == []
        await self.due(known)
        assert len(known.books.calls) == 1

    async def test_comes_at_the_hours_that_a_leg_names_and_at_once_before_the_first_of_them(self, world: World) -> None:
        """The one before them is that of a sync that has just begun."""
        await self.asks(world, {"look_at": "30 6 * * *", "time_zone": "Europe/Madrid"})
        long_ago(world, 3)
        assert len(await world.poll()) == 3
        at = (await world.row())["next_at"].astimezone(ZoneInfo("Europe/Madrid"))
        assert (at.hour, at.minute, at.second, at - NOW < timedelta(days=1)) == (6, 30, 0, True)
        await world.mapped()
        world.clock.advance((at - world.clock.now()).total_seconds())
        world.books.calls.clear()
        await world.poll()
        assert len(world.books.calls) == 1

    async def test_whoever_asks_for_other_hours_does_not_wait_for_the_former_ones(self, known: World) -> None:
        await self.asks(known, {"look_at": "0 0 1 1 *"})
        await self.due(known)
        yearly = (await known.row())["next_at"]
        await self.asks(known, {"look_every": 60}, version=3)
        await known.poll()
        assert (await known.row())["next_at"] < min(yearly, known.clock.now() + timedelta(hours=1, seconds=1))

    async def test_what_changed_comes_with_its_run(self, known: World) -> None:
        known.clock.advance(EVERY.total_seconds())
        known.books.edit(7, 8, at=known.clock.now() - timedelta(seconds=60))
        assert sorted(await known.poll()) == ["7", "8"]
        assert {(e.via, e.lane) for e in known.books.sent[-2:]} == {("poll", Lane.LIVE)}
        (run,) = await known.sql("select * from flow.run join flow.run_source s on s.run = id where kind = 'poll'")
        assert run["records_read"] == 2

    @pytest.mark.parametrize(("many", "begun"), [(MANY_AT_ONCE - 1, 0), (MANY_AT_ONCE, 1)])
    async def test_many_changes_have_their_run_before_the_first_is_told(
        self, known: World, many: int, begun: int
    ) -> None:
        known.clock.advance(EVERY.total_seconds())
        known.books.edit(*range(many), at=known.clock.now() - timedelta(seconds=60))
        with failpoints.armed("poller.after_produce=raise:RuntimeError@1"):
            await known.poll()
        read = "select ended_at from flow.run_source s join flow.run r on r.id = s.run where kind = 'poll'"
        assert [row["ended_at"] for row in await known.sql(read)] == [None] * begun
        await known.lease_over()
        await known.poll()
        (row,) = await known.sql(read)
        assert row["ended_at"] is not None

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

    async def test_webhooks_that_are_dead_for_two_hours_cost_a_fifth_of_the_day_and_delay_no_change_by_a_minute(
        self, known: World
    ) -> None:
        await known.sql(
            'update core.connection set details = \'{"organization_id": "1", "plan_name": "free"}\' where id = \'books\''
        )
        noticed: list[float] = []
        for second in range(0, 7200, 5):
            known.clock.advance(5)
            if second % 60 == 0:
                edited = known.clock.now()
                known.books.edit(second // 60, at=edited)
            if str(second // 60) in await known.poll():
                noticed.append((known.clock.now() - edited).total_seconds())
        assert len(known.books.calls) <= 180
        # The first five minutes are those in which nobody has noticed yet; what one look finds twice was not settled at the first.
        assert len(noticed) >= 110 and max(noticed[5:]) <= 60

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


class TestAKindThatIsOffByDefault:
    async def leg(self, world: World, entity: str) -> None:
        """The sync starts from records of another kind, too."""
        await world.sql(
            "insert into core.leg (sync, name, source_connection, source_entity, target_connection, target_entity, target_place, mapping_version)"
            " values ('s', $1, 'books', $1, 'chimp', 'member', 'list', 1)", entity,
        )  # fmt: skip
        await world.sql(
            "insert into core.mapping_version (sync, version, leg, definition, created_at, created_by)"
            " values ('s', 1, $1, $2, $3, 'ada')", entity, {"rows": [], "key": "email", "version": 1}, NOW,
        )  # fmt: skip

    async def test_is_read_once_a_leg_starts_from_it_and_costs_nothing_before(self, world: World) -> None:
        long_ago(world, 3)
        await world.poll()
        assert [call.query["contact_type"] for call in world.books.calls] == ["customer"]
        await self.leg(world, "supplier")
        assert len(await world.poll()) == 3
        assert [call.query["contact_type"] for call in world.books.calls] == ["customer", "vendor"]
        assert {event.entity for event in world.books.sent[-3:]} == {"supplier"}

    async def test_has_no_webhooks_and_so_none_that_could_be_dead(self, world: World) -> None:
        await self.leg(world, "supplier")
        long_ago(world, 3)
        await world.poll()
        world.clock.advance(EVERY.total_seconds())
        world.books.edit(1, at=world.clock.now() - timedelta(seconds=60))
        await world.poll()
        rows = await world.sql("select entity, next_at from flow.poll where connection = 'books' order by entity")
        assert [row["entity"] for row in rows] == ["customer", "supplier"]
        # Of customers they may be dead: nobody announced that one has changed.
        assert rows[0]["next_at"] <= world.clock.now() + timedelta(seconds=45)
        assert rows[1]["next_at"] > world.clock.now() + timedelta(minutes=4)


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
        assert len(await world.sql("select * from flow.poll_missing")) == 301

    async def test_the_question_is_over_when_a_later_listing_has_them(self, world: World) -> None:
        await self.known(world, 700)
        everybody = dict(world.books.contacts)
        world.books.contacts = {record: at for record, at in everybody.items() if int(record) >= 301}
        await self.read_again(world)
        world.books.contacts = {record: at for record, at in everybody.items() if record != "42"}
        assert await self.read_again(world) == ["42"]
        assert (await world.row())["missing"] == 0
        assert await world.sql("select * from flow.poll_missing") == []

    async def test_a_listing_that_was_cut_short_leaves_the_question_open(self, world: World) -> None:
        await self.known(world, 700)
        world.books.contacts = {record: at for record, at in world.books.contacts.items() if int(record) >= 301}
        await self.read_again(world)
        world.clock.advance(timedelta(days=1, minutes=1).total_seconds())
        with failpoints.armed("poller.after_page=raise:RuntimeError@1"):
            await world.poll()
        await world.lease_over()
        await world.poll()
        assert (await world.row())["missing"] == 301
        assert len(await world.sql("select * from flow.poll_missing")) == 301


class TestReaders:
    async def test_two_read_no_source_at_once(self, world: World) -> None:
        long_ago(world, 10)
        one, two = world.poller(), world.poller()
        with failpoints.armed("poller.after_produce=delay:0.3*1"):
            await asyncio.gather(one.step(), two.step())
        assert len(world.books.calls) == 1

    async def test_one_that_lost_its_lease_stores_nothing(self, world: World) -> None:
        long_ago(world, 450)
        send_all = world.books.send_all

        async def loses_it(messages: Sequence[Outgoing]) -> Sequence[Landed]:
            landed = await send_all(messages)
            await world.sql("update flow.poll set lease = gen_random_uuid()")
            return landed

        world.books.send_all = loses_it  # type: ignore[method-assign]
        await world.poller().step()
        assert (await world.row())["cursor"] == ""
        assert len(world.books.calls) == 1

    async def test_a_paused_connection_waits_behind_its_gate(self, world: World) -> None:
        long_ago(world, 10)
        await world.sql("select core.set_gate('books', 'refused', null, $1, 'X', 'no', '')", NOW)
        assert await world.poll() == []
        assert world.books.calls == []
