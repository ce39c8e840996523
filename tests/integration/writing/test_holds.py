"""Rows on hold: settled once each, bounded in their looks, visible, by a clock that nobody can set back."""

import asyncio
import hashlib
from collections import Counter
from datetime import datetime, timedelta

import pytest

from common.clock import OffsetClock
from common.state.pool import transaction
from common.state.stuck_items import StuckFilter, StuckItems
from tests.support.writing import World
from vendors.mailchimp.limits import HORIZON

H = HORIZON.total_seconds()
ROWS = 120
MEMBER = "GET /lists/{id}/members/{hash}"
PROBLEM = '{"type": "x", "title": "%s", "status": %d, "detail": "words of theirs", "instance": "i"}'


class SetBack(OffsetClock):
    """The clock of a machine that somebody has set back."""

    back = timedelta()

    def now(self) -> datetime:
        return super().now() - self.back


async def hold(world: World, rows: int) -> None:
    """A call with so many rows whose answer never comes, and which was applied."""
    world.fault("reset_after", "POST /lists/{id}", count=1)
    await world.store(*(world.command(f"{n:03}", f"m{n:03}@ex.org", FNAME="A") for n in range(rows)))
    async with world.running():
        await world.until(lambda: held(world, rows), "all are on hold")


async def held(world: World, count: int) -> bool:
    return len(await world.rows("select from flow.work_item where state = 'hold'")) == count


class TestTwoReplicas:
    async def test_rows_with_slow_looks_are_settled_once_each(self, world: World) -> None:
        world.lease = timedelta(seconds=8)
        await hold(world, ROWS)
        # Fifty rows at six calls at a time take more than twice the lease, and somebody takes the last ones.
        world.fault("latency", MEMBER, seconds=2.0)
        before = len(world.calls())
        world.advance(H + 1)
        async with world.running(executors=2):
            await world.quiet(within=240)
        settled = Counter(
            row["record"] for row in await world.rows("select record from flow.journal where step = 'settled'")
        )
        assert len(settled) == ROWS and set(settled.values()) == {1}
        looks = [call for call in world.calls()[before:] if call["method"] == "GET" and "members" in call["route"]]
        assert len(looks) == ROWS
        assert await world.told() == world.applied()


class TestLooks:
    @pytest.mark.parametrize(("status", "title"), [(400, "Invalid Resource"), (422, "Unprocessable")])
    async def test_a_refused_one_is_a_dead_letter_and_its_keys_go(self, world: World, status: int, title: str) -> None:
        await hold(world, 1)
        world.fault("status", MEMBER, status=status, body=PROBLEM % (title, status))
        world.advance(H + 1)
        await world.settled()
        item = await world.item("000")
        assert (item["state"], item["vendor_words"], item["outcome"]) == ("dead", "words of theirs", "failed")
        assert await world.rows("select from flow.target_lease") == []
        assert await world.rows("select from flow.write_intent where state = 'sent'") == []
        assert (await world.steps("000"))[-2:] == ["settled", "dead"]

    async def test_opened_again_it_looks_before_anything_else(self, world: World) -> None:
        await self.test_a_refused_one_is_a_dead_letter_and_its_keys_go(world, 400, "Invalid Resource")
        world.sandbox.delete("faults")
        writes = len(world.writes())
        async with transaction(world.pool) as tx:
            await StuckItems(tx).retry(["s1/customer/000"], who="ana", now=world.clock.now())
        await world.settled()
        # What it finds is what it has sent, and is told so: the member was made by us.
        assert ((await world.item("000"))["outcome"], len(world.writes())) == ("added", writes)
        assert await world.told() == world.applied()

    async def test_failing_ones_back_off_count_apart_and_end(self, world: World) -> None:
        await hold(world, 1)
        world.fault("status", MEMBER, status=500, body=PROBLEM % ("Internal Server Error", 500))
        before, seen = len(world.calls()), []
        world.advance(H + 1)
        async with world.running():
            for _ in range(300):
                item = await world.item("000")
                seen.append((item["looks"], item["attempts"]))
                if item["state"] == "parked":
                    break
                world.advance(20)
                await asyncio.sleep(0.1)
        assert (item["state"], item["reason"], item["attempts"]) == ("parked", "ATTEMPTS_EXHAUSTED", 1)
        assert item["vendor_words"] == "words of theirs"
        assert max(looks for looks, _ in seen) == 11 and {attempts for _, attempts in seen} == {1}
        assert len(world.calls()) - before == 12
        assert await world.rows("select from flow.target_lease") == []

    async def test_a_row_whose_look_fails_does_not_hold_its_neighbours_back(self, world: World) -> None:
        world.fault("reset_before", "POST /lists/{id}", count=1)
        await world.store(*(world.command(f"{n:03}", f"m{n:03}@ex.org") for n in range(5)))
        async with world.running():
            await world.until(lambda: held(world, 5), "all are on hold")
            one = MEMBER.replace("{hash}", hashlib.md5(b"m002@ex.org", usedforsecurity=False).hexdigest())
            world.fault("status", one, status=500, body=PROBLEM % ("Internal Server Error", 500))
            world.advance(H + 1)
            await world.until(lambda: some_done(world, 4), "the neighbours are written")
            (row,) = await world.rows("select * from flow.work_item where state = 'hold'")
            assert (row["record"], row["looks"] >= 1, row["call_group"]) == ("002", True, "")
            world.sandbox.delete("faults")
            for _ in range(10):
                world.advance(5)
                await asyncio.sleep(0.3)
            await world.quiet()

    async def test_those_that_wait_are_shown_with_the_time_of_the_next(self, world: World) -> None:
        await hold(world, 3)
        async with transaction(world.pool) as tx:
            items = StuckItems(tx)
            shown = await items.held(StuckFilter(sync="s1"), limit=2)
            assert (len(shown), await items.count_held(StuckFilter())) == (2, 3)
            assert await items.count(StuckFilter(), 10) == 0
            one = await items.show(shown[0].id)
        assert one is not None and one.state == "hold" and one.next_look_at is not None
        wait = one.next_look_at - world.clock.now()
        assert timedelta(seconds=H - 60) < wait <= timedelta(seconds=H)


class TestAClockThatIsSetBack:
    async def test_holds_up_no_ready_work(self, world: World) -> None:
        await world.want("1", "ana@ex.org")
        world.clock = clock = SetBack(world.sandbox.home)
        clock.back = timedelta(hours=2)
        await world.settled()
        assert world.status("ana@ex.org") == "subscribed"

    async def test_makes_no_hold_longer(self, world: World) -> None:
        await hold(world, 1)
        world.clock = clock = SetBack(world.sandbox.home)
        clock.back = timedelta(hours=2)
        world.advance(H + 1)
        await world.settled()
        assert (await world.item("000"))["state"] == "done"


async def some_done(world: World, count: int) -> bool:
    return len(await world.rows("select from flow.work_item where state = 'done'")) == count
