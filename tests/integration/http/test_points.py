"""A bucket of points over a real Valkey and a real PostgreSQL; two budgets in one test are two processes."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from common.failures import RateLimited
from common.http.forecast import Forecast
from common.http.meter import Meter
from common.http.profile import Limit, PointsTold
from common.http.slot import Slot
from tests.support.budgets import Budgets, Process, waited_for
from tests.support.valkey_server import ValkeyServer

SIZE, RESTORE = 2_000, 100
DEAR = 500


def bucket(**more: float) -> Limit:
    return Limit("points", "shopify:1", "points", SIZE, timedelta(seconds=20), **more)


LIMIT = bucket()
OURS = LIMIT.ours


def told(spent: int, available: int, most: int = SIZE, restore: float = RESTORE) -> PointsTold:
    return PointsTold(DEAR, spent, available, most, restore)


async def answered(process: Process, slot: Slot, said: PointsTold | None = None) -> None:
    slot.answered(said)
    await process.settled()


async def spend(process: Process, budgets: Budgets, points: int = OURS) -> None:
    """So many points are gone, and the vendor says the same."""
    slot = await process.admit(LIMIT, cost=points)
    await answered(process, slot, told(points, SIZE - points))


async def wait_of(process: Process, cost: int, limit: Limit = LIMIT, priority: str = "live") -> float:
    """The seconds that a call of this price would have to wait; 0.0 where it went."""
    clock = process.budget._clock
    try:
        await process.admit(limit, cost=cost, priority=priority)  # type: ignore[arg-type]
    except RateLimited as refused:
        assert refused.retry_at is not None and refused.scope == "points"
        return (refused.retry_at - clock.now()).total_seconds()
    return 0.0


class TestBucket:
    async def test_what_is_foretold_is_taken_from_all_processes_together(self, budgets: Budgets) -> None:
        one, two = budgets.process(), budgets.process()
        taken = [await process.admit(LIMIT, cost=DEAR) for process in (one, two, one)]
        assert len(taken) == 3
        # 1,800 are ours: 300 are left, and 200 come back in two seconds.
        assert await wait_of(two, DEAR) == pytest.approx(2.0, abs=0.5)
        assert await wait_of(two, 250) == 0.0

    async def test_what_was_not_spent_comes_back_with_the_answer(self, budgets: Budgets) -> None:
        process = budgets.process()
        slots = [await process.admit(LIMIT, cost=DEAR) for _ in range(3)]
        for n, slot in enumerate(slots):
            await answered(process, slot, told(70, SIZE - 70 * (n + 1)))
        assert await wait_of(process, OURS - 210) == 0.0

    async def test_fills_up_by_itself_and_never_beyond_what_is_ours(self, budgets: Budgets) -> None:
        process = budgets.process()
        await spend(process, budgets)
        budgets.clock.advance(9)
        assert await wait_of(process, 1_000) == pytest.approx(1.0, abs=0.5)
        budgets.clock.advance(3600)
        assert len(await process.drain(LIMIT, at_most=10)) == 10
        await process.admit(LIMIT, cost=OURS - 10)
        assert await wait_of(process, 100) > 0.0

    async def test_a_call_that_was_not_sent_costs_nothing_and_one_without_an_answer_all(self, budgets: Budgets) -> None:
        process = budgets.process()
        (await process.admit(LIMIT, cost=OURS)).unused()
        await process.settled()
        slot = await process.admit(LIMIT, cost=OURS)
        slot.unanswered()
        await process.settled()
        assert await wait_of(process, DEAR) == pytest.approx(5.0, abs=0.5)

    async def test_an_ending_told_twice_gives_back_once(self, budgets: Budgets) -> None:
        process = budgets.process()
        slot = await process.admit(LIMIT, cost=DEAR)
        await process.admit(LIMIT, cost=OURS - DEAR)
        process.does_not_hear_of_endings()
        await answered(process, slot, told(0, SIZE))
        await process.admit(LIMIT, cost=DEAR)  # tells it again first
        assert await wait_of(process, DEAR) > 4.0

    async def test_a_dear_call_is_not_passed_by_cheap_ones_of_its_class(self, budgets: Budgets) -> None:
        one, two = budgets.process(), budgets.process()
        await spend(one, budgets)
        dear = asyncio.create_task(one.admit(LIMIT, cost=300, patience_s=30))
        async with asyncio.timeout(10):
            while not await two.waits(LIMIT, 1):  # noqa: ASYNC110 - another process's memory is no event
                await asyncio.sleep(0.02)
        # There are points for it, and they are the other one's.
        assert await wait_of(two, 20) > 0.5
        budgets.clock.advance(3.2)
        assert (await dear).waited_s > 0.0
        assert await wait_of(two, 20) == 0.0

    async def test_live_calls_find_their_part_and_go_first(self, budgets: Budgets) -> None:
        process, limit = budgets.process(), bucket(kept_for_live=0.3)
        while not await wait_of(process, 100, limit, "backfill"):
            pass
        assert await wait_of(process, 400, limit) == 0.0

    async def test_what_is_dearer_than_a_bucket_without_the_live_part_goes_when_it_is_full(
        self, budgets: Budgets
    ) -> None:
        process, limit = budgets.process(), bucket(kept_for_live=0.3)
        assert await wait_of(process, 1_700, limit, "backfill") == 0.0


class TestWhatTheVendorTells:
    async def test_somebody_elses_use_is_seen_in_the_next_answer(self, budgets: Budgets) -> None:
        process = budgets.process()
        slot = await process.admit(LIMIT, cost=10)
        await answered(process, slot, told(10, 700))  # ours by that: 500
        assert await wait_of(process, 1_000) == pytest.approx(5.0, abs=0.5)

    async def test_what_was_believed_lost_is_found(self, budgets: Budgets) -> None:
        process = budgets.process()
        lost = await process.admit(LIMIT, cost=OURS - 100)
        await answered(process, lost)  # an answer without a word of points
        slot = await process.admit(LIMIT, cost=10)
        await answered(process, slot, told(10, SIZE - 80))
        assert await wait_of(process, OURS - 100) == 0.0

    async def test_it_never_gives_what_others_in_progress_hold(self, budgets: Budgets) -> None:
        """The vendor may not have seen them yet when it said how much there is."""
        one, two = budgets.process(), budgets.process()
        for process in (one, two):
            await process.admit(LIMIT, cost=DEAR)  # in progress
        slot = await one.admit(LIMIT, cost=10)
        await answered(one, slot, told(10, SIZE - 10))
        assert await wait_of(two, OURS - 2 * DEAR + 100) > 0.5

    async def test_nor_what_others_have_spent_while_the_answer_was_on_its_way(self, budgets: Budgets) -> None:
        process = budgets.process()
        late = await process.admit(LIMIT, cost=10)
        slot = await process.admit(LIMIT, cost=1_500)
        await answered(process, slot, told(1_500, SIZE - 1_510))
        await answered(process, late, told(10, SIZE - 10))  # said before the other call was counted
        assert await wait_of(process, 600) > 2.0

    async def test_a_larger_plan_is_learnt_from_the_first_answer(self, budgets: Budgets) -> None:
        one, two = budgets.process(), budgets.process()
        slot = await one.admit(LIMIT, cost=10)
        await answered(one, slot, told(10, 19_990, 20_000, 1_000))
        assert await wait_of(two, 17_500) == 0.0
        assert await wait_of(two, 1_400) == pytest.approx(1.0, abs=0.5)
        (shown,) = (await budgets.quota().read((LIMIT,))).limits
        assert (shown.count, shown.ours, shown.window_s) == (20_000, 18_000, 20.0)
        assert shown.used is not None and 17_000 < shown.used <= 17_600
        assert shown.in_flight == 1

    async def test_a_refusal_is_told_to_everybody_and_is_no_longer_than_it_has_to_be(self, budgets: Budgets) -> None:
        one, two = budgets.process(), budgets.process()
        for _ in range(3):
            slot = await one.admit(LIMIT, cost=DEAR)
            await answered(one, slot, told(0, 300))
            until = budgets.clock.now() + timedelta(seconds=4)
            await one.budget.throttled((LIMIT,), RateLimited("X", "x", retry_at=until, scope="points"))
            assert await wait_of(two, 1) == pytest.approx(4.0, abs=0.5)
            budgets.clock.advance(5)

    async def test_the_time_left_goes_by_what_calls_took_lately(self, budgets: Budgets, valkey: ValkeyServer) -> None:
        process, redis = budgets.process(), waited_for(valkey.url)
        await spend(process, budgets, 200)
        forecast = Forecast(Meter(redis, budgets.clock))
        seconds = await forecast.seconds((LIMIT,), 100)
        await redis.aclose()
        assert seconds == pytest.approx((100 * 200 - 1_600) / RESTORE, abs=2)


class TestLoss:
    async def test_of_all_memory_leaves_an_empty_bucket(self, budgets: Budgets, valkey: ValkeyServer) -> None:
        process = budgets.process()
        slot = await process.admit(LIMIT, cost=DEAR)
        valkey.flush()
        assert await wait_of(budgets.process(), 1_000) == pytest.approx(10.0, abs=1.5)
        # It was paid for before: nothing comes back of what the meters do not know.
        await answered(process, slot, told(0, SIZE))
        assert await wait_of(process, 1_000) > 7.0

    async def test_after_a_night_of_rest_the_bucket_is_full(self, budgets: Budgets, valkey: ValkeyServer) -> None:
        process = budgets.process()
        await spend(process, budgets)
        budgets.clock.advance(3600)
        valkey.flush()
        assert await wait_of(process, OURS) == 0.0

    async def test_a_clock_set_back_keeps_what_there_is(self, budgets: Budgets) -> None:
        process = budgets.process()
        await spend(process, budgets, 1_000)
        budgets.clock.advance(-86_400)
        assert await wait_of(process, 1_000) > 1.0
        budgets.clock.advance(20)
        assert await wait_of(process, OURS) == 0.0

    async def test_without_meters_calls_go_by_their_price(self, budgets: Budgets, tmp_path) -> None:  # type: ignore[no-untyped-def]
        away = ValkeyServer(tmp_path)  # not started
        one, two = budgets.process(url=away.url), budgets.process(url=away.url)
        went = 0
        for _ in range(60):
            for process in (one, two):
                for _ in range(20):
                    if await wait_of(process, 250):
                        break
                    went += 1
            budgets.clock.advance(1)
        # By turns that are never ended: the longest call, and five seconds in which 500 points come back.
        assert 1 <= went <= 3
