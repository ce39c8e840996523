"""An answer that cannot be stored at once is kept: the database comes back long before the horizon."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from common.state.pool import close_pool, open_pool
from tests.support.database import Database
from tests.support.proxy import Proxy, proxy_to
from tests.support.writing import World
from vendors.mailchimp.client import MailchimpProfile
from vendors.vendor import Vendor


@pytest.fixture
async def proxy(world: World, database: Database) -> AsyncIterator[Proxy]:
    """Between the writer and its database; the test itself goes round it."""
    direct = world.pool
    async with proxy_to(database.server.address) as between:
        url = database.url("service").replace(database.server.address, f"127.0.0.1:{between.port}")
        world.pool = await open_pool(url, name="writer", size=8)
        yield between
        between.mend()
        await close_pool(world.pool)
    world.pool = direct


class TestAnAnswerInMemory:
    @pytest.mark.parametrize("lease_s", [30, 2], ids=["the lease holds", "the lease runs out meanwhile"])
    async def test_is_stored_when_the_database_is_back(self, world: World, proxy: Proxy, lease_s: float) -> None:
        world.lease = timedelta(seconds=lease_s)
        world.holds("POST /lists/{id}")
        await world.store(*(world.command(str(n), f"m{n}@ex.org", FNAME="A", tags=["t"]) for n in range(3)))
        async with world.running():
            await world.until(world.is_held, "the vendor has the call")
            proxy.cut()
            world.answers()
            await asyncio.sleep(4.0)
            assert len(world.audience()) == 3
            proxy.mend()
            await world.quiet(within=40)
        rows = await world.rows("select reason from flow.journal where step = 'settled'")
        assert rows == [], "nothing had to be looked at"
        assert await world.told() == world.applied()
        assert {row["state"] for row in await world.rows("select state from flow.work_item")} == {"done"}

    async def test_and_is_given_up_for_the_look_at_the_horizon(self, world: World, proxy: Proxy) -> None:
        short = timedelta(seconds=3)
        assert world.vendor.profile.horizon > short
        world.vendor = _hurried(world, short)
        world.holds("POST /lists/{id}")
        await world.want("1", "ana@ex.org")
        async with world.running():
            await world.until(world.is_held, "the vendor has the call")
            proxy.cut()
            world.answers()
            await asyncio.sleep(6.0)
            proxy.mend()
            await world.execute(
                "update flow.work_item set lease_until = now() - interval '1 second' where state = 'leased'"
            )
            await world.quiet(within=40)
        assert [row["reason"] for row in await world.journal("1", "settled")] == ["applied"]
        assert await world.told() == world.applied()


def _hurried(world: World, horizon: timedelta) -> Vendor:
    profile = MailchimpProfile()
    profile.horizon = horizon
    return replace(world.vendor, profile=profile)
