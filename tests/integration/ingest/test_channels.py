"""Webhooks are kept, not only made: audited against the vendor's own list on a real database, with the vendor's settings in hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common import failpoints
from common.clock import FixedClock
from common.contracts.ids import ConnectionId, Entity, VendorName
from common.failures import Transient
from common.http.call import Call, VendorAnswer
from common.state import polls
from common.state.configuration import ConfigurationReader
from common.state.polls import Polled
from common.state.pool import Pool, close_pool, open_pool, transaction
from common.state.turns import alone
from ingest.channels import Channels
from ingest.deliveries import Deliveries
from tests.contract.vendors.hook_vault import MemoryVault
from tests.support.database import Database
from tests.support.hook_organisation import HookOrganisation
from vendors.vendor import HookRequest

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
PUBLIC = "https://ours.example"
BASE = f"{PUBLIC}/hooks/zoho-books/books"
EVERY_S = 600
LATER = NOW + timedelta(days=1)


@dataclass
class World:
    pool: Pool
    owner: Pool
    clock: FixedClock
    books: HookOrganisation
    vault: MemoryVault
    deliveries: Deliveries

    def channels(self, public_url: str | None = PUBLIC) -> Channels:
        """A process that has just started."""
        return Channels(
            self.pool, self.books, lambda _: self.vault, self.deliveries, ConfigurationReader(), self.clock, public_url
        )

    async def audit(self, public_url: str | None = PUBLIC) -> list[str]:
        """What a process asks of the vendor now."""
        before = len(self.books.calls)
        await self.channels(public_url).step()
        return [call.operation for call in self.books.calls[before:]]

    async def sql(self, statement: str, *values: Any) -> list[Any]:
        async with transaction(self.owner) as tx:
            return list(await tx.fetch(statement, *values))

    async def row(self) -> Any:
        (found,) = await self.sql("select * from flow.channel")
        return found

    async def add_sync(self, name: str, entity: str) -> None:
        await self.sql(
            "insert into core.sync (id, name, template, source_connection, target_connection, state, created_at, updated_at, created_by)"
            " values ($1, $1, 't', 'books', 'chimp', 'active', $2, $2, 'ada')", name, NOW,
        )  # fmt: skip
        await self.sql(
            "insert into core.leg (sync, name, source_connection, source_entity, target_connection, target_entity, target_place)"
            " values ($1, $2, 'books', $2, 'ledger', 'member', 'list')", name, entity,
        )  # fmt: skip

    async def leave(self, name: str) -> None:
        await self.sql("update core.sync set state = 'disabled' where id = $1", name)

    async def read_next(self) -> datetime:
        """When the poller reads the customers."""
        (row,) = await self.sql("select next_at from flow.poll")
        found: datetime = row["next_at"]
        return found


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    owner = await open_pool(database.owner_url, name="owner", size=2)
    pool = await open_pool(database.url("service"), name="ingest", size=6)
    clock = FixedClock(NOW)
    made = World(pool, owner, clock, HookOrganisation(clock), MemoryVault(), Deliveries(clock))
    # A target that tells nothing: all that is asked for is asked of one connection.
    for id, vendor in (("books", "zoho-books"), ("chimp", "mailchimp"), ("ledger", "zoho-books")):
        await made.sql(
            "insert into core.connection (id, vendor, name, state, created_at, updated_at) values ($1, $2, $1, 'active', $3, $3)",
            id, vendor, NOW,
        )  # fmt: skip
    await made.add_sync("customers", "customer")
    async with transaction(pool) as tx:
        await polls.want(tx, [Polled(ConnectionId("books"), Entity("customer"))], LATER)
    yield made
    await close_pool(pool)
    await close_pool(owner)


@pytest.fixture
async def kept(world: World) -> World:
    """Its first audit has been."""
    await world.audit()
    world.clock.advance(60)
    await world.audit()
    await world.sql("update flow.poll set next_at = $1", LATER)
    return world


async def next_audit(world: World) -> list[str]:
    world.clock.advance(EVERY_S)
    return await world.audit()


class TestApplications:
    async def test_it_is_known_when_an_event_of_a_connections_account_last_came(self, world: World) -> None:
        request = HookRequest("POST", "/hooks/quickbooks/app", "", {}, b"[]", "")
        for connection in ("books", "gone"):
            world.deliveries.note(VendorName("quickbooks"), ConnectionId(connection), request)
        await world.audit()
        first = world.clock.now()
        world.clock.advance(60)
        world.deliveries.note(VendorName("quickbooks"), ConnectionId("books"), request)
        await world.audit()
        found = {row["connection"]: row["heard_at"] for row in await world.sql("select * from flow.app_heard")}
        assert found == {"books": first + timedelta(seconds=60)}


class Slow(HookOrganisation):
    """Answers when it is let."""

    def __init__(self, clock: FixedClock) -> None:
        super().__init__(clock)
        self.asked, self.answers = asyncio.Event(), asyncio.Event()

    async def call(self, call: Call) -> VendorAnswer:
        self.asked.set()
        await self.answers.wait()
        return await super().call(call)


class TestStandstill:
    async def test_an_audit_that_outlives_its_lease_is_not_begun_beside_itself(self, kept: World) -> None:
        kept.books = slow = Slow(kept.clock)
        kept.clock.advance(EVERY_S)
        channels = kept.channels()
        first = asyncio.create_task(channels.step())
        await asyncio.wait_for(slow.asked.wait(), 30)
        await kept.sql("update flow.channel set lease_until = clock_timestamp() - interval '1 second'")
        second = asyncio.create_task(channels.step())
        done, _ = await asyncio.wait({second}, timeout=1.0)
        slow.answers.set()
        assert [await asyncio.wait_for(one, 30) for one in (first, second)] == [True, False]
        assert not done and (await kept.row())["state"] == "kept"


class TestAudits:
    async def test_the_first_comes_soon_and_not_at_once(self, world: World) -> None:
        assert await world.audit() == []
        world.clock.advance(60)
        assert "webhooks.create" in await world.audit()
        assert world.books.working == [f"{BASE}?entity=contact&event={one}" for one in ("created", "deleted", "edited")]
        assert ((await world.row())["state"], (await world.row())["base"]) == ("kept", BASE)

    async def test_where_all_is_well_it_asks_for_two_lists_behind_everything_else(self, kept: World) -> None:
        assert await next_audit(kept) == ["webhooks.list", "workflows.list"]
        assert {call.priority for call in kept.books.calls} == {"backfill"}
        assert await kept.read_next() == LATER

    async def test_is_not_due_before_its_time(self, kept: World) -> None:
        kept.clock.advance(EVERY_S * 0.9)
        assert await kept.audit() == []

    async def test_what_somebody_deleted_is_back_within_ten_minutes_and_the_gap_is_read_at_once(
        self, kept: World
    ) -> None:  # fmt: skip
        kept.books.lose()
        await next_audit(kept)
        assert len(kept.books.working) == 3
        assert await kept.read_next() == kept.clock.now()
        found = (await kept.row())["found"]
        assert len(found) == 6 and found[0] == "webhook for customer created"

    async def test_what_somebody_switched_off_works_again(self, kept: World) -> None:
        for rule in kept.books.rows["workflows"].values():
            rule["is_active"] = False
        await next_audit(kept)
        assert len(kept.books.working) == 3
        assert await kept.read_next() == kept.clock.now()

    async def test_a_process_that_comes_back_on_another_address_tells_it_at_once(self, kept: World) -> None:
        await kept.audit("https://ours.example:9100/")
        assert all(url.startswith("https://ours.example:9100/hooks/zoho-books/books?") for url in kept.books.working)
        assert len(kept.books.hooks) == 3
        assert await kept.read_next() == kept.clock.now()

    async def test_without_a_public_address_nobody_is_told_anything(self, world: World) -> None:
        await world.audit(None)
        world.clock.advance(EVERY_S)
        assert await world.audit(None) == []

    async def test_a_vendor_that_is_away_is_asked_again(self, kept: World) -> None:
        kept.books.lose()
        kept.books.failures = [Transient("VENDOR_BUSY", "busy", vendor_status=500)]
        await next_audit(kept)
        row = await kept.row()
        assert (row["state"], row["code"], row["attempts"], row["lease"]) == ("waits", "VENDOR_BUSY", 1, None)
        await next_audit(kept)
        row = await kept.row()
        assert (row["state"], row["code"], row["attempts"]) == ("kept", "", 0)

    async def test_a_connection_behind_a_gate_waits(self, kept: World) -> None:
        await kept.sql("select core.set_gate('books', 'refused', null, $1, 'X', 'no', '')", NOW)
        assert await next_audit(kept) == []

    async def test_where_the_plan_leaves_it_to_a_person_it_is_tried_once_an_hour(self, kept: World) -> None:
        kept.books.lose()
        kept.books.has_rules = False
        await next_audit(kept)
        row = await kept.row()
        assert (row["state"], row["code"]) == ("by_hand", "ZB_NO_ACCESS")
        kept.clock.advance(3500)
        assert await kept.audit() == []
        kept.books.has_rules = True
        kept.clock.advance(100)
        await kept.audit()
        assert ((await kept.row())["state"], len(kept.books.working)) == ("kept", 3)

    async def test_when_it_last_told_something_is_stored(self, kept: World) -> None:
        request = HookRequest("POST", "/", "entity=contact&event=edited", {}, b"{}", "")
        kept.deliveries.note(VendorName("zoho-books"), ConnectionId("books"), request)
        await kept.audit()
        (row,) = await kept.sql("select heard_at from flow.channel_subject where connection = 'books'")
        assert row["heard_at"] == kept.clock.now()


class TestFacts:
    async def test_what_facts_are_made_of_is_heard_too_as_long_as_a_mapping_names_one(self, kept: World) -> None:
        for version, facts in ((1, ["invoice_count"]), (2, [])):
            await kept.sql(
                "insert into core.mapping_version (sync, version, leg, definition, created_at, created_by) values ('customers', $1, 'customer', $2, $3, 'ada')",
                version, {"rows": [], "key": "email", "version": version, "facts": facts}, NOW,
            )  # fmt: skip
        await kept.sql("update core.leg set mapping_version = 1")
        await kept.audit()
        await next_audit(kept)
        assert len([url for url in kept.books.working if "entity=invoice" in url]) == 3
        await kept.sql("update core.leg set mapping_version = 2")
        await kept.audit()
        assert not [url for url in kept.books.hooks if "entity=invoice" in url]


class TestLeaving:
    async def test_what_no_sync_wants_any_more_is_removed_at_once(self, kept: World) -> None:
        await kept.leave("customers")
        await kept.audit()
        assert kept.books.hooks == []
        assert await kept.sql("select from flow.channel") == []

    async def test_what_another_sync_wants_stays(self, kept: World) -> None:
        await kept.add_sync("bills", "invoice")
        await kept.audit()
        await next_audit(kept)
        await kept.leave("customers")
        await kept.audit()
        assert len(kept.books.working) == 3
        assert all("entity=invoice" in url for url in kept.books.hooks)

    async def test_a_vendor_that_is_away_is_told_later(self, kept: World) -> None:
        await kept.leave("customers")
        kept.books.failures = [Transient("VENDOR_BUSY", "busy", vendor_status=500)]
        await kept.audit()
        assert len(kept.books.hooks) == 3
        await next_audit(kept)
        assert kept.books.hooks == []

    async def test_a_connection_that_is_being_connected_again_loses_nothing(self, kept: World) -> None:
        await kept.sql("update core.connection set state = 'connecting' where id = 'books'")
        assert await next_audit(kept) == []
        await kept.sql("update core.connection set state = 'active' where id = 'books'")
        assert await kept.audit() == ["webhooks.list", "workflows.list"]

    async def test_a_connection_that_is_gone_is_forgotten(self, kept: World) -> None:
        await kept.sql("update core.connection set state = 'deleted' where id = 'books'")
        await kept.audit()
        assert await kept.sql("select from flow.channel") == []

    async def test_one_that_is_wanted_again_before_it_was_removed_stays(self, kept: World) -> None:
        await kept.leave("customers")
        kept.books.failures = [Transient("VENDOR_BUSY", "busy", vendor_status=500)]
        await kept.audit()
        await kept.sql("update core.sync set state = 'active' where id = 'customers'")
        assert await next_audit(kept) == ["webhooks.list", "workflows.list"]
        assert len(kept.books.working) == 3


class TestAlone:
    async def test_two_processes_do_not_audit_twice(self, kept: World) -> None:
        kept.clock.advance(EVERY_S)
        before = len(kept.books.calls)
        await asyncio.gather(kept.channels().step(), kept.channels().step())
        assert len(kept.books.calls) - before == 2

    @pytest.mark.parametrize("write", range(1, 7))
    async def test_one_that_died_in_the_middle_leaves_no_double(self, kept: World, write: int) -> None:
        kept.books.lose()
        kept.clock.advance(EVERY_S)
        with failpoints.armed(f"channels.after_write=raise:RuntimeError@{write}"):
            await kept.audit()
        assert await kept.audit() == []
        await kept.sql("update flow.channel set lease_until = now() - interval '1 second'")
        await kept.audit()
        assert (len(kept.books.hooks), len(kept.books.working), len(kept.books.rows["workflows"])) == (3, 3, 3)
        assert await kept.read_next() == kept.clock.now()

    async def test_while_somebody_applies_a_sync_nothing_is_looked_at(self, kept: World) -> None:
        kept.clock.advance(EVERY_S)
        async with alone(kept.owner, ["books"]):
            assert await kept.audit() == []
        kept.clock.advance(5)
        assert await kept.audit() == ["webhooks.list", "workflows.list"]
