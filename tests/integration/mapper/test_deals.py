"""What invoices tell of the deals that they name: records of our own making, through the mapper's own transaction on a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from common.contracts.ids import ConnectionId, Entity, RecordId
from common.contracts.syncs import MappingDefinition, MappingRow
from common.state.configuration import ConfigurationReader
from common.state.definitions import to_jsonb
from common.state.feeding import ready
from common.state.pool import Pool, close_pool, open_pool, transaction
from ingest.poll_sources import judged_sources, listeners, wanted_sources
from mapper.fact_clock import FactClock
from mapper.mappings import Mappings
from mapper.state_rows import Key
from tests.integration.mapper.test_facts import INVOICES, ROWS, World, change, invoice, named
from tests.integration.mapper.test_handlers import NOON, Mapper, configure
from tests.support.database import Database

AMOUNTS = ("invoiced", "paid", "outstanding", "payment_status", "named_by")
# The sums go to members here: what they become at a target is the target's, and not the mapper's.
DEAL = named(
    MappingRow("email", "join('', [id, '@ex.org'])", required=True),
    *(MappingRow(f"merge.F{n}", f"facts.{name}") for n, name in enumerate(AMOUNTS)),
)
FIELD = "custom field"


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    owner = await open_pool(database.owner_url, name="test owner", size=2)
    await configure(owner, named(*ROWS))
    await _start_from_deals(owner)
    pool = await open_pool(database.url("service"), name="mapper", size=4)
    mapper = Mapper(pool)
    made = World(mapper, owner, FactClock(pool, mapper.clock, ConfigurationReader(), Mappings(), mapper.publisher))
    await made.ready()
    yield made
    await close_pool(pool)
    await close_pool(owner)


async def _start_from_deals(owner: Pool) -> None:
    async with transaction(owner) as tx:
        await tx.execute(
            """insert into core.leg (sync, position, name, source_connection, source_entity, target_connection, target_entity, target_place, mapping_version)
               values ('s1', 1, 'deal', 'books', 'deal', 'chimp', 'member', 'list1', 1)"""
        )
        await tx.execute(
            "insert into core.mapping_version (sync, leg, version, definition, created_at) values ('s1', 'deal', 1, $1, $2)",
            to_jsonb(DEAL), NOON,
        )  # fmt: skip


def of_deal(record: str, deal: str | None, second: float = 1, **fields: Any) -> Any:
    told = {"total": "10.00", "custom": {"cf_crm_deal_id": deal}} | fields
    return invoice(record, "c", second, **told)


async def facts(world: World, deal: str) -> dict[str, Any]:
    (row,) = await world.mapper.rows("select document from flow.wanted where entity = 'deal' and record = $1", deal)
    return {name: row["document"].get(f"merge.F{n}") for n, name in enumerate(AMOUNTS)}


class TestADeal:
    async def test_is_there_with_the_first_invoice_that_names_it(self, world: World) -> None:
        (command,) = await world.handle(of_deal("i", "700"))
        assert (command.entity, command.record, command.wish) == ("deal", "700", "present")
        assert await facts(world, "700") == {
            "invoiced": "10.00", "paid": "0.00", "outstanding": "10.00", "payment_status": "open", "named_by": [FIELD],
        }  # fmt: skip

    async def test_is_all_of_its_invoices_to_the_cent(self, world: World) -> None:
        shares = ("33.33", "33.33", "33.34")
        many = [of_deal(f"{n}", "700", total=share, balance=share) for n, share in enumerate(shares)]
        await world.handle(*many)
        await world.handle(of_deal("0", "700", 2, total="33.33", balance="0.01"), of_deal("v", "700", status="void"))
        found = await facts(world, "700")
        assert (found["invoiced"], found["paid"], found["outstanding"]) == ("100.00", "33.32", "66.68")

    async def test_in_yen_has_no_cents(self, world: World) -> None:
        await world.handle(of_deal("i", "700", currency="JPY", total="1200", balance="200"))
        found = await facts(world, "700")
        assert (found["invoiced"], found["paid"], found["outstanding"]) == ("1200", "1000", "200")

    async def test_in_two_currencies_has_no_amount(self, world: World) -> None:
        await world.handle(of_deal("i", "700"), of_deal("j", "700", currency="JPY", total="5", balance="5"))
        assert [(await facts(world, "700"))[name] for name in ("invoiced", "outstanding")] == [None, None]

    async def test_that_an_invoice_has_left_is_told_so(self, world: World) -> None:
        await world.handle(of_deal("i", "700"), of_deal("j", "700"))
        moved = await world.handle(of_deal("i", "800", 2))
        assert sorted(one.record for one in moved) == ["700", "800"]
        assert [(await facts(world, one))["invoiced"] for one in ("700", "800")] == ["10.00", "10.00"]
        await world.handle(of_deal("j", None, 3))
        assert (await facts(world, "700"))["payment_status"] == "none"

    async def test_is_overdue_by_the_calendar(self, world: World) -> None:
        await world.handle(of_deal("i", "700", due_on="2026-05-05"))
        assert await world.day(1) == []
        (command,) = await world.day(1)
        assert command.record == "700"
        assert (await facts(world, "700"))["payment_status"] == "overdue"

    async def test_survives_a_repeat_and_a_deleted_invoice(self, world: World) -> None:
        first = of_deal("i", "700")
        await world.handle(first)
        assert await world.handle(first) == []
        await world.handle(invoice("i", "c", 5, kind="deleted", via="read"))
        assert (await facts(world, "700"))["invoiced"] == "0"

    async def test_is_neither_listed_nor_heard_of_but_its_invoices_are(self, world: World) -> None:
        async with transaction(world.mapper.pool) as tx:
            configuration = await ConfigurationReader().read(tx)
            assert await ready(tx, [ConnectionId("books")]) == {INVOICES}
        own, tellers = wanted_sources(configuration)
        assert {one.entity for one in own} == {"customer"} and tellers == {INVOICES}
        assert {one.entity for one in judged_sources(configuration)} == {"customer", "invoice"}
        assert listeners(configuration, INVOICES) == []


class TestAPayment:
    async def test_has_its_invoices_read(self, world: World) -> None:
        """The vendor tells of the payment alone, and a deal has to be right within seconds."""
        await world.handle(of_deal("i", "700"), of_deal("j", "700"))
        paid = {"customer_id": "c", "amount": "15.00", "paid_on": "2026-05-04", "invoices": {"i": "10.00", "j": "5.00"}}
        payment = change("payment", "p", 2, **paid)
        await world.handle(payment.model_copy(update={"coverage": "hook"}))
        rows = await world.mapper.rows("select entity, record, reason, lane from flow.read_request order by record")
        assert [tuple(row) for row in rows] == [("invoice", "i", "moved", "live"), ("invoice", "j", "moved", "live")]

    async def test_that_is_taken_back_has_them_read_too(self, world: World) -> None:
        paid = change("payment", "p", 2, customer_id="c", amount="1", invoices={"i": "1.00"})
        await world.handle(paid)
        assert await world.mapper.rows("select 1 from flow.read_request") == [], "a listing of payments needs none"
        await world.handle(change("payment", "p", 5, kind="deleted", via="read"))
        (row,) = await world.mapper.rows("select entity, record from flow.read_request")
        assert tuple(row) == ("invoice", "i")


async def test_a_deal_has_nothing_but_its_id(world: World) -> None:
    """Whatever else it is, its facts are."""
    await world.handle(of_deal("i", "700"))
    key = Key(ConnectionId("books"), Entity("deal"), RecordId("700"))
    (row,) = await world.mapper.rows("select fields, deleted from flow.record_state where (connection, entity, record) = ($1, $2, $3)", *key)  # fmt: skip
    assert (row["fields"], row["deleted"]) == ({"id": "700"}, False)


class TestAShareOfAPayment:
    @pytest.fixture
    async def shares(self, world: World) -> World:
        rows = (MappingRow("email", "join('', [id, '@ex.org'])", required=True), MappingRow("merge.F0", "amount"))
        definition = MappingDefinition(2, rows, key="email", on_delete="archive")
        async with transaction(world.owner) as tx:
            await tx.execute("insert into core.mapping_version (sync, leg, version, definition, created_at) values ('s1', 'deal', 2, $1, $2)", to_jsonb(definition), NOON)  # fmt: skip
            await tx.execute("update core.leg set source_entity = 'invoice_payment', mapping_version = 2 where name = 'deal'")  # fmt: skip
        return world

    async def test_is_a_record_for_itself_and_ends_with_what_it_pays(self, shares: World) -> None:
        paid = {"customer_id": "c", "currency": "JPY", "amount": "1500", "invoices": {"i": "1000", "j": "500"}}
        first = await shares.handle(change("payment", "p", 2, **paid))
        assert [(one.record, one.wish, one.document["merge.F0"]) for one in sorted(first, key=lambda one: one.record)] == [
            ("p-i", "present", "1000"), ("p-j", "present", "500"),
        ]  # fmt: skip
        assert await shares.handle(change("payment", "p", 2, **paid)) == []
        (moved,) = await shares.handle(change("payment", "p", 3, **paid | {"invoices": {"i": "1000"}}))
        assert (moved.record, moved.wish) == ("p-j", "absent")
        (gone,) = await shares.handle(change("payment", "p", 5, kind="deleted", via="read"))
        assert (gone.record, gone.wish) == ("p-i", "absent")

    async def test_is_asked_for_where_a_list_tells_of_the_payment_alone(self, shares: World) -> None:
        assert await shares.handle(change("payment", "p", 2, customer_id="c", amount="1")) == []
        (row,) = await shares.mapper.rows("select entity, record, reason from flow.read_request")
        assert tuple(row) == ("payment", "p", "uncovered")
        async with transaction(shares.mapper.pool) as tx:
            own, tellers = wanted_sources(await ConfigurationReader().read(tx))
        assert {one.entity for one in own | tellers} == {"customer", "invoice", "payment"}
