"""Work that waits for a person, as the console's role sees it."""

from collections.abc import AsyncIterator

import pytest

from common.state.pool import Pool, close_pool, open_pool, transaction
from common.state.stuck_items import StuckFilter, StuckItems
from tests.support.database import Database
from tests.support.writing import World


@pytest.fixture
async def console(database: Database) -> AsyncIterator[Pool]:
    pool = await open_pool(database.url("console"), name="console", size=2)
    yield pool
    await close_pool(pool)


class TestStuckItems:
    async def test_are_listed_with_everything_a_person_needs(self, world: World, console: Pool) -> None:
        await world.store(world.command("1", "bad"), world.command("2", "ana@ex.org"))
        await world.settled()
        async with transaction(console) as tx:
            (item,) = await StuckItems(tx).newest(StuckFilter())
            assert await StuckItems(tx).count(StuckFilter(code="MC_INVALID", state="dead"), 10) == 1
            assert await StuckItems(tx).count(StuckFilter(code="OTHER"), 10) == 0
        assert (item.id, item.code, item.kind, item.attempts, item.vendor_status) == ("s1/customer/1", "MC_INVALID", "REJECTED", 1, 400)  # fmt: skip
        assert item.first_at == item.last_at is not None
        assert (item.document, item.trace_id) == ({"email": "bad"}, "0af7651916cd43dd8448eb211c80319c")

    async def test_tried_again_with_the_newest_wish(self, world: World, console: Pool) -> None:
        world.fault("status", "POST /lists/{id}", count=1, status=400, body='{"title": "Invalid Resource", "status": 400, "detail": "x"}')  # fmt: skip
        await world.want("1", "ana@ex.org")
        await world.settled()
        async with world.running():
            async with transaction(console) as tx:
                (item,) = await StuckItems(tx).retry(
                    ["s1/customer/1", "s1/customer/other"], who="ana", now=world.clock.now()
                )
            await world.quiet()
        assert (item.record, world.status("ana@ex.org")) == ("1", "subscribed")
        (row,) = await world.journal("1", "replayed")
        assert (row["who"], row["reason"]) == ("ana", "retry")

    async def test_given_up_until_something_newer_comes(self, world: World, console: Pool) -> None:
        await world.want("1", "bad")
        await world.settled()
        async with transaction(console) as tx:
            await StuckItems(tx).discard(["s1/customer/1"], who="ana", why="a test record", now=world.clock.now())
            assert await StuckItems(tx).show("s1/customer/1") is None
        await world.settled()
        assert ((await world.item("1"))["reason"], len(world.writes())) == ("discarded", 1)
        await world.want("1", "ana@ex.org")
        await world.settled()
        assert world.status("ana@ex.org") == "subscribed"
