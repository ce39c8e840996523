"""What a sync writes to is read back: what others did there is known though no webhook came, at a call where nothing changed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common import failpoints
from common.bus.producer import Landed, Outgoing
from common.clock import FixedClock
from common.contracts.connections import Connection
from common.contracts.ids import ConnectionId, Entity, RecordId, SyncId
from common.contracts.messages import ChangeEvent, Lane
from common.http.call import Call, VendorAnswer
from common.state.configuration import ConfigurationReader
from common.state.pool import Pool, close_pool, open_pool, transaction
from ingest.poller import Poller
from tests.support.database import Database
from vendors.acts import Act
from vendors.mailchimp.memory import STANDING
from vendors.target_record import TargetRecord
from writing import intents, target_records
from writing.intent import Closing, Intent
from writing.items import ItemKey, TargetKey

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
EVERY = timedelta(minutes=15)
NO_CUSTOMERS = b'{"code": 0, "contacts": [], "page_context": {"has_more_page": false}}'


@dataclass
class Audience:
    """One audience, its door and the topic; the organisation that its sync starts from is empty."""

    clock: FixedClock
    members: dict[str, datetime] = field(default_factory=dict)
    sent: list[ChangeEvent] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    status: str = "unsubscribed"

    async def send_all(self, messages: Sequence[Outgoing]) -> Sequence[Landed]:
        before = len(self.sent)
        self.sent += [ChangeEvent.model_validate_json(m.value) for m in messages]
        return [Landed(3, offset) for offset in range(before, len(self.sent))]

    def open(self, profile: Any, connection: Connection) -> Audience:
        return self

    async def call(self, call: Call) -> VendorAnswer:
        if call.operation != "members.list":
            return VendorAnswer(200, {}, NO_CUSTOMERS, self.clock.now(), "", 0.01)
        self.calls.append(call)
        since = datetime.fromisoformat(call.query["since_last_changed"])
        found = sorted((at, email) for email, at in self.members.items() if at > since)
        page = found[int(call.query["offset"]) :][: int(call.query["count"])]
        rows = [
            {
                "email_address": email,
                "status": self.status,
                "last_changed": at.isoformat(),
                "merge_fields": {"FNAME": "Ana", "ADDRESS": {"city": "Rome"}, "AGE": 7},
            }
            for at, email in page
        ]
        told = json.dumps({"members": rows, "total_items": len(found)}).encode()
        return VendorAnswer(200, {}, told, self.clock.now(), "", 0.01)


@dataclass
class World:
    pool: Pool
    owner: Pool
    audience: Audience
    clock: FixedClock
    process: Poller | None = None

    def starts(self) -> None:
        """A process that has just started."""
        self.process = Poller(self.pool, self.audience, self.audience, ConfigurationReader(), self.clock)

    async def poll(self) -> list[str]:
        """The addresses that a look round tells of."""
        before = len(self.audience.sent)
        if self.process is None:
            self.starts()
        assert self.process is not None
        await self.process.step()
        return [str(event.fields["email"]) for event in self.audience.sent[before:]]

    async def later(self, by: timedelta = EVERY) -> list[str]:
        self.clock.advance(by.total_seconds())
        return await self.poll()

    async def sql(self, statement: str, *values: Any) -> list[Any]:
        async with transaction(self.owner) as tx:
            return list(await tx.fetch(statement, *values))


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    owner = await open_pool(database.owner_url, name="owner", size=1)
    pool = await open_pool(database.url("service"), name="ingest", size=3)
    clock = FixedClock(NOW)
    made = World(pool, owner, Audience(clock), clock)
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


class TestAPlaceThatASyncWritesTo:
    async def test_is_read_every_quarter_of_an_hour_at_one_call_where_nothing_changed(self, world: World) -> None:
        await world.poll()
        assert world.audience.calls == []
        for looks in (1, 2, 3):
            assert await world.later() == []
            assert len(world.audience.calls) == looks
        assert {call.priority for call in world.audience.calls} == {"live"}

    async def test_tells_what_changed_and_no_webhook_said(self, world: World) -> None:
        world.audience.members = {"old@ex.org": NOW - timedelta(days=1), "new@ex.org": NOW + timedelta(minutes=3)}
        await world.poll()
        assert await world.later() == ["new@ex.org"]
        (event,) = world.audience.sent
        assert (event.entity, event.place, event.via, event.lane) == ("subscription", "list", "poll", Lane.LIVE)
        assert (event.fields["status"], event.version.settled) == ("unsubscribed", True)
        assert event.fields["custom"] == {"merge.FNAME": "Ana", "merge.ADDRESS.city": "Rome", "merge.AGE": "7"}

    async def test_is_not_read_closer_together_because_of_our_own_writes(self, world: World) -> None:
        await world.poll()
        world.audience.members["ours@ex.org"] = NOW + timedelta(minutes=1)
        await world.later()
        assert await world.later(timedelta(minutes=5)) == []
        assert len(world.audience.calls) == 1

    async def test_is_never_listed_as_a_whole_and_enters_no_run(self, world: World) -> None:
        await world.poll()
        world.audience.members["ana@ex.org"] = NOW + timedelta(minutes=1)
        await world.later(timedelta(days=2))
        assert all(call.query["since_last_changed"] for call in world.audience.calls)
        runs = await world.sql(
            "select kind from flow.run_source s join flow.run r on r.id = s.run where connection = 'chimp'"
        )
        assert runs == []

    async def test_a_cursor_follows_the_vendors_stamps(self, world: World) -> None:
        await world.poll()
        world.audience.members["ana@ex.org"] = at = NOW + timedelta(minutes=1)
        await world.later()
        (row,) = await world.sql("select cursor, job from flow.poll where connection = 'chimp'")
        assert (datetime.fromisoformat(row["cursor"]), row["job"]) == (at, "")
        assert await world.later() == []

    async def test_goes_on_where_it_was_cut(self, world: World) -> None:
        await world.poll()
        world.audience.members = {f"m{n}@ex.org": NOW + timedelta(seconds=10 + n // 9) for n in range(2500)}
        with failpoints.armed("poller.after_page=raise:RuntimeError@2"):
            await world.later()
        await world.sql("update flow.poll set lease_until = now() - interval '1 second'")
        world.starts()
        await world.poll()
        assert {str(event.fields["email"]) for event in world.audience.sent} == world.audience.members.keys()
        assert len(world.audience.calls) <= 4

    async def test_of_a_sync_that_is_disabled_is_nobodys_business(self, world: World) -> None:
        await world.poll()
        await world.sql("update core.sync set state = 'disabled'")
        await world.later()
        assert world.audience.calls == []

    async def test_of_a_connection_that_rests_waits(self, world: World) -> None:
        await world.sql("insert into core.gate (connection, reason, set_at) values ('chimp', 'paused', $1)", NOW)
        await world.poll()
        await world.later()
        assert world.audience.calls == []


OURS_AT = NOW + timedelta(minutes=3)
WROTE = {STANDING: "subscribed", "merge.FNAME": "Ana"}


class TestWhatWeHaveWrittenThere:
    @pytest.fixture
    async def read(self, world: World) -> World:
        """Nothing has changed so far; what changes now is a member with the name Ana."""
        await world.poll()
        world.audience.status = "subscribed"
        world.audience.members["ana@ex.org"] = OURS_AT
        return world

    async def wrote(self, world: World, values: dict[str, str], stamp: datetime | None = OURS_AT) -> None:
        """As a writer stores it; without a stamp it is still on its way."""
        item, key = ItemKey(SyncId("s"), Entity("customer"), RecordId("7")), "ana@ex.org"
        target = TargetKey("chimp", "list", Entity("member"), key)
        sent = OURS_AT - timedelta(seconds=1)
        act = Act("create", key, values, counts_as="added")
        async with transaction(world.owner) as tx:
            await intents.store(
                tx, [Intent("a", item, ConnectionId("chimp"), target, 1, 1, act, {}, sent, sent + timedelta(minutes=3))]
            )
            if stamp is not None:
                await intents.close(tx, [Closing("a", item, "settled", "applied", stamp)], stamp)
                await target_records.save(tx, {target: TargetRecord(exists=True, met=True, seen=values)}, stamp)

    async def test_is_told_to_nobody(self, read: World) -> None:
        await self.wrote(read, WROTE)
        assert await read.later() == []
        (row,) = await read.sql("select cursor, job from flow.poll where connection = 'chimp'")
        assert (datetime.fromisoformat(row["cursor"]), row["job"], len(read.audience.calls)) == (OURS_AT, "", 1)

    async def test_is_told_where_it_is_not_as_we_made_it(self, read: World) -> None:
        await self.wrote(read, {**WROTE, "merge.FNAME": "Bea"})
        assert await read.later() == ["ana@ex.org"]

    async def test_is_told_where_somebody_was_there_later(self, read: World) -> None:
        await self.wrote(read, WROTE)
        read.audience.members["ana@ex.org"] += timedelta(minutes=2)
        assert await read.later() == ["ana@ex.org"]

    async def test_is_told_where_the_person_has_left_in_the_same_second(self, read: World) -> None:
        await self.wrote(read, WROTE)
        read.audience.status = "unsubscribed"
        assert await read.later() == ["ana@ex.org"]

    async def test_is_told_while_a_write_is_on_its_way(self, read: World) -> None:
        await self.wrote(read, WROTE, stamp=None)
        assert await read.later() == ["ana@ex.org"]
