"""What a lone edit of a pair costs at the CRM, by the vendor's own log: a write that compares, and one read of what it became."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.integration.crm.test_written import make_fields
from tests.support.crm_road import CrmRoad, crm_road
from tests.support.crm_world import CrmWorld

CUSTOMER = {"name": "Alder", "website": "https://alder.example"}
WRITE, READ = "PUT 200", "GET 200"


@pytest.fixture
async def road(world: CrmWorld) -> AsyncIterator[CrmRoad]:
    await make_fields(world)
    async with crm_road(world) as opened:
        await opened.books_tell(**CUSTOMER)
        await opened.quiet()
        assert opened.account()["Account_Name"] == "Alder"
        opened.topics.to_books.clear()
        yield opened


class TestAnEdit:
    async def test_of_the_books_is_one_write_and_one_read_of_what_became_of_it(self, road: CrmRoad) -> None:
        for site in ("https://one.example", "https://two.example"):
            mark = road.mark()
            await road.books_tell(**(CUSTOMER | {"website": site}))
            await road.quiet()
            assert road.account()["Website"] == site
            assert road.calls(mark) == [WRITE, READ]
        assert road.topics.to_books == []

    async def test_of_the_crm_is_one_read_and_costs_the_next_write_a_look(self, road: CrmRoad) -> None:
        """R19: its second was not over as it was read, so no write compares with its version before somebody has looked."""
        mark, site = road.mark(), "https://theirs.example"
        road.world.crm.write("Accounts", road.account()["id"], {"Website": site})
        await road.quiet()
        assert road.calls(mark) == [READ]
        assert [one.record for one in road.topics.to_books] == [road.account()["id"]]
        # A look that comes within the second of their edit is made again.
        road.world.sandbox.post("clock", {"advance_s": 3})
        mark = road.mark()
        await road.books_tell(name="Alder & Sons", website=site)
        await road.quiet()
        assert (road.account()["Account_Name"], road.account()["Website"]) == ("Alder & Sons", site)
        assert road.calls(mark) == [READ, WRITE, READ]

    async def test_of_the_crm_while_our_write_is_under_way_is_heard_with_what_that_became(self, road: CrmRoad) -> None:
        """R16: nothing of it is lost, and however often the record is called back, the read comes when it was to come."""
        mark = road.mark()
        await road.books_tell(**(CUSTOMER | {"website": "https://ours.example"}))
        await road.until_written(mark)
        await road.call_back()
        due = await road.due()
        road.world.sandbox.post("clock", {"advance_s": 1})
        road.world.crm.write("Accounts", road.account()["id"], {"Account_Name": "Alder of theirs"})
        await road.call_back()
        assert await road.due() == due
        await road.quiet()
        assert road.calls(mark)[0] == WRITE and set(road.calls(mark)[1:]) == {READ}
        assert (road.account()["Account_Name"], road.account()["Website"]) == (
            "Alder of theirs",
            "https://ours.example",
        )
        assert [one.record for one in road.topics.to_books] == [road.account()["id"]]
