"""Customers of a company on the road: the real poller on a real database and the simulated QuickBooks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
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
HALF_AN_HOUR_S, A_MONTH_S = 1_900.0, 31 * 86_400.0


@dataclass
class Customers:
    """A company that a sync starts from, and its poller."""

    world: World
    account: CompanyAccount

    def open(self, profile: Any, connection: Connection) -> Any:
        return self.account.api

    async def poll(self) -> set[tuple[str, str]]:
        """What is told once half an hour is over, for the poller and for the vendor."""
        self.world.clock.advance(HALF_AN_HOUR_S)
        self.account.advance(HALF_AN_HOUR_S)
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
    async def test_many_that_have_changed_at_once_cost_a_call_for_thirty(self, customers: Customers) -> None:
        """A company's reads are metered: a burst of webhooks is read together."""
        customers.account.fill(CUSTOMER, 200)
        told = [RecordId(record) for record, _ in await customers.poll()]
        customers.account.api.answers.clear()
        world, now = customers.world, customers.world.clock.now()
        asks = [ReadRequest(ConnectionId("books"), CUSTOMER, one, "detail", now) for one in told]
        async with transaction(world.owner) as tx:
            await read_requests.ask(tx, asks, now)
        reader = Reader(world.pool, customers, world.books, ConfigurationReader(), world.clock)
        while await reader.step():
            pass
        assert set(customers.operations()) == {"customers.some"}
        assert len(customers.operations()) <= 1.2 * -(-len(told) // 30)
        assert await world.sql("select record from flow.read_request") == []


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
