"""A large shop is read by its file the first time: the real poller on a real database, the simulated shop, and a reader that dies anywhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from common import failpoints
from common.contracts.connections import Connection
from common.contracts.ids import Entity
from common.state.configuration import ConfigurationReader
from ingest.poller import Poller
from tests.contract.sandbox.shopify.conftest import shop
from tests.contract.sandbox.shopify.shop import Shop
from tests.contract.vendors.shopify.shops import ShopApi
from tests.integration.ingest.test_poller import World, world
from vendors.shopify import bulk

__all__ = ["shop", "world"]
MANY, LARGE, PAGE = 60, 40, 25


@dataclass
class Large:
    """A shop that a sync starts from, and its poller."""

    world: World
    shop: Shop
    api: ShopApi

    def open(self, profile: Any, connection: Connection) -> ShopApi:
        return self.api

    async def poll(self) -> list[str]:
        """A process that has just started reads what is due; the shop's clock goes on."""
        before = len(self.world.books.sent)
        world = self.world
        await Poller(world.pool, self, world.books, ConfigurationReader(), world.clock).step()
        await self.shop.http.post("/_sandbox/clock", json={"advance_s": 5})
        return [event.record for event in world.books.sent[before:]]

    async def row(self) -> Any:
        (found,) = await self.world.sql("select * from flow.poll where connection = 'books'")
        return found

    def begun(self) -> int:
        return sum(call.operation == "bulk.begin" for call in self.api.calls)


@pytest.fixture
async def large(world: World, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Large]:
    monkeypatch.setattr(bulk, "FROM", {Entity("order"): LARGE})
    monkeypatch.setattr(bulk, "PAGE", PAGE)
    wanted = {"vendor": "shopify", "account": "demo", "size": MANY, "seed": 7}
    await shop.http.post("/_sandbox/seed", json=wanted)
    await world.sql("update core.connection set vendor = 'shopify' where id = 'books'")
    await world.sql("update core.leg set source_entity = 'order'")
    token = f"demo.myshopify.com:{shop.row['access_token']}"
    yield Large(world, shop, ShopApi(shop, token))


class TestFirstReading:
    async def test_waits_for_the_file_without_an_attempt_and_tells_whole_orders(self, large: Large) -> None:
        assert await large.poll() == []
        row = await large.row()
        assert (row["attempts"], "writes the whole shop into a file" in row["words"], row["lease"]) == (0, True, None)
        assert await large.poll() == []  # not due yet
        large.world.clock.advance(10)
        assert len(await large.poll()) == MANY
        assert {event.coverage for event in large.world.books.sent} == {"detail"}
        row = await large.row()
        assert (row["job"], row["about"], large.begun()) == ("", MANY, 1)
        assert '"since"' in row["cursor"]

    @pytest.mark.parametrize(
        ("point", "page"), [("poller.after_produce", 1), ("poller.after_page", 1), ("poller.after_produce", 3)]
    )
    async def test_goes_on_where_its_reader_died(self, large: Large, point: str, page: int) -> None:
        """The first page is the operation's name, the others are the file's."""
        for _ in range(2):
            with failpoints.armed(f"{point}=raise:RuntimeError@{page}"):
                await large.poll()
            await large.world.lease_over()
            large.world.clock.advance(10)
        await large.poll()
        large.world.clock.advance(10)
        await large.poll()
        told = [event.record for event in large.world.books.sent]
        assert len(set(told)) == MANY and len(told) <= MANY + 2 * PAGE
        assert len({event.run for event in large.world.books.sent}) == 1
        assert (large.begun(), (await large.row())["job"]) == (1, "")
