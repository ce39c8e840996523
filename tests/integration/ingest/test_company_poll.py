"""Customers of a company on the road: the real poller on a real database and the simulated QuickBooks."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from common.contracts.connections import Connection
from common.contracts.ids import ConnectionId, RecordId
from common.state import read_requests
from common.state.configuration import ConfigurationReader
from common.state.pool import transaction
from common.state.read_requests import ReadRequest
from ingest.poller import Poller
from ingest.reader import Reader
from tests.contract.conftest import sandbox, sandbox_process
from tests.contract.vendors.quickbooks import account as simulator
from tests.contract.vendors.quickbooks.account import CompanyAccount
from tests.integration.ingest.test_poller import World, world
from tests.support.sandbox import SandboxProcess
from vendors.quickbooks.listing import CUSTOMER

__all__ = ["sandbox", "sandbox_process", "world"]
# Of the numbers the large ones take minutes (`make test-long`).
A_BURST = int(os.environ.get("COMPANY_CUSTOMERS", "1000"))
HALF_AN_HOUR_S, A_MONTH_S = 1_900.0, 31 * 86_400.0


@dataclass
class Customers:
    """A company that a sync starts from, and its poller."""

    world: World
    account: CompanyAccount

    def open(self, profile: Any, connection: Connection) -> Any:
        return self.account.api

    def reader(self) -> Reader:
        return Reader(self.world.pool, self, self.world.books, ConfigurationReader(), self.world.clock)

    async def ask(self, reader: Reader, records: Sequence[RecordId]) -> None:
        """As the normaliser does, of a batch of webhooks."""
        now = self.world.clock.now()
        asks = [ReadRequest(ConnectionId("books"), CUSTOMER, one, "detail", now) for one in records]
        async with transaction(self.world.owner) as tx:
            await read_requests.ask(tx, asks, now)
        reader.wake()

    async def open_asks(self) -> int:
        return len(await self.world.sql("select record from flow.read_request"))

    async def until_asked_less_than(self, many: int) -> None:
        async with asyncio.timeout(120):
            while await self.open_asks() >= many:  # noqa: ASYNC110 - another process's memory is no event
                await asyncio.sleep(0.02)

    async def poll(self, after: float = HALF_AN_HOUR_S) -> set[tuple[str, str]]:
        """What is told once half an hour is over, for the poller and for the vendor."""
        self.world.clock.advance(after)
        self.account.advance(after)
        self.account.api.answers.clear()
        before, world = len(self.world.books.sent), self.world
        await Poller(world.pool, self, world.books, ConfigurationReader(), world.clock).step()
        return {(event.record, event.kind) for event in world.books.sent[before:]}

    def operations(self) -> list[str]:
        return [call.operation for call, _ in self.account.api.answers]


@pytest.fixture
async def customers(world: World, sandbox: SandboxProcess) -> AsyncIterator[Customers]:
    async with simulator.opened(sandbox) as account:
        await world.sql("update core.connection set vendor = 'quickbooks' where id = 'books'")
        yield Customers(world, account)


class TestReads:
    async def test_a_thousand_that_change_at_once_cost_a_call_for_thirty(self, customers: Customers) -> None:
        """A company's reads are metered: a burst of webhooks is gathered, while the first one of it is read at once."""
        customers.account.fill(CUSTOMER, A_BURST)
        told = [RecordId(record) for record, _ in await customers.poll()]
        customers.account.api.answers.clear()
        reader, stopping = customers.reader(), asyncio.Event()
        running = asyncio.create_task(reader.run(stopping))
        for some in (told[:1], told[1:100], told[100:]):
            await customers.ask(reader, some)
            await customers.until_asked_less_than(len(some))
        await customers.until_asked_less_than(1)
        stopping.set()
        await running
        assert customers.operations()[0] == "customers.read"
        assert set(customers.operations()[1:]) == {"customers.some"}
        assert len(customers.operations()) <= 1.2 * -(-len(told) // 30)

    async def test_a_first_one_alone_waits_for_nobody_and_the_next_ones_for_each_other(
        self, customers: Customers
    ) -> None:
        first, second, third = (customers.account.create() for _ in range(3))
        reader = customers.reader()
        await customers.ask(reader, [first])
        assert await reader.step()
        await customers.ask(reader, [second, third])
        while await customers.open_asks():
            await reader.step()
            await asyncio.sleep(0.02)
        assert customers.operations() == ["customers.read", "customers.some"]

    async def test_a_day_on_which_nobody_does_anything_costs_fifty_at_most(self, customers: Customers) -> None:
        for _ in range(3):
            customers.account.create()
        await customers.poll()
        begun, calls = customers.world.clock.now(), 0
        while True:
            due = (await customers.world.row())["next_at"]
            if due > begun + timedelta(days=1):
                break
            assert not await customers.poll(after=(due - customers.world.clock.now()).total_seconds())
            calls += len(customers.operations())
        assert 48 <= calls <= 50

    async def test_everything_is_listed_once_a_week(self, customers: Customers) -> None:
        customers.account.create()
        await customers.poll()
        await customers.poll(after=6.9 * 86_400)
        assert customers.operations() == ["customers.changes"]
        await customers.poll(after=0.2 * 86_400)
        assert customers.operations() == ["customers.list"]

    async def test_the_first_reading_costs_a_call_for_a_thousand(self, customers: Customers) -> None:
        customers.account.fill(CUSTOMER, A_BURST)
        assert len(await customers.poll()) >= A_BURST * 0.9
        assert customers.operations() == ["customers.list"] * -(-(A_BURST + 1) // 1_000)


class TestCustomers:
    async def test_are_read_whole_once_and_then_by_what_changed_in_one_call(self, customers: Customers) -> None:
        first, second, third = (customers.account.create() for _ in range(3))
        assert await customers.poll() == {(one, "changed") for one in (first, second, third)}
        customers.account.edit(CUSTOMER, first)
        customers.account.people("merge", **{"from": second, "into": third})
        assert await customers.poll() == {(first, "changed"), (second, "asked"), (third, "changed")}
        assert customers.operations() == ["customers.changes"]
        # Nobody has announced it, and nobody was expected to: looks stay as rare as they were.
        row = await customers.world.row()
        assert (row["next_at"] - customers.world.clock.now()).total_seconds() > HALF_AN_HOUR_S * 0.8

    async def test_who_was_merged_before_the_vendor_s_memory_began_is_asked_for_all_the_same(
        self, customers: Customers
    ) -> None:
        loser, survivor = customers.account.create(), customers.account.create()
        await customers.poll()
        await customers.world.mapped()
        customers.account.people("merge", **{"from": loser, "into": survivor})
        # Our clock says half an hour: that the cursor is too old the vendor's says.
        customers.account.advance(A_MONTH_S)
        assert await customers.poll() == {(survivor, "changed")}
        assert customers.operations() == ["customers.changes", "customers.list"]
        found = await customers.world.sql("select record from flow.read_request where reason = 'missing'")
        assert [row["record"] for row in found] == [loser]


class TestRefusals:
    @pytest.mark.parametrize(
        ("done", "undone", "code"),
        [("withdraw", "restore", "QB_COMPANY_LOST"), ("lapse", "renew", "QB_COMPANY_ENDED")],
    )
    async def test_of_the_company_are_one_gate_with_a_remedy_and_nothing_is_lost_meanwhile(
        self, customers: Customers, done: str, undone: str, code: str
    ) -> None:
        first = customers.account.create()
        await customers.poll()
        customers.account.people(done)
        for _ in range(2):
            assert await customers.poll() == set()
        (gate,) = await customers.world.sql("select * from core.gate where connection = 'books'")
        assert (gate["reason"], gate["code"]) == ("refused", code) and "millrace connection re" in gate["message"]
        # Nobody is asked while it stands.
        assert customers.operations() == []
        customers.account.people(undone)
        customers.account.edit(CUSTOMER, first)
        # As a person resumes it, or connects it again.
        await customers.world.sql("delete from core.gate")
        assert await customers.poll() == {(first, "changed")}

    @pytest.mark.parametrize("said", ["throttled", "forbidden"])
    async def test_of_an_empty_meter_are_waited_out(self, customers: Customers, said: str) -> None:
        first = customers.account.create()
        await customers.poll()
        customers.account.switch(reads_a_month=1, empty_meter=said)
        customers.account.edit(CUSTOMER, first)
        assert await customers.poll() == set()
        assert await customers.world.sql("select * from core.gate where connection = 'books'") == []
        (row,) = await customers.world.sql("select * from flow.poll where connection = 'books'")
        assert row["attempts"] == 0 and "QB_THROTTLED" in str(dict(row))
        customers.account.switch(reads_a_month=500_000)
        # The door's clock is the machine's, and names a minute of its own.
        await customers.world.sql("update flow.poll set next_at = $1", customers.world.clock.now())
        assert await customers.poll() == {(first, "changed")}
