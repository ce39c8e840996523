"""The budgets over a real Valkey and a real PostgreSQL; two budgets in one test are two processes."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from common.clock import FixedClock, SystemClock, monotonic
from common.failures import RateLimited, Transient
from common.http.profile import Limit
from common.http.slot import Slot
from common.metrics import Metrics
from common.state.budget_floors import BudgetFloors, DayUsedUp, Ticket
from common.state.budget_turns import Pace
from common.state.pool import Pool, close_pool, open_pool
from tests.support.budgets import Budgets, Process, at_once, per_day, per_minute
from tests.support.database import Database
from tests.support.in_time import over_before
from tests.support.valkey_server import ValkeyServer

MINUTE = timedelta(minutes=1)
NO_CALL_TAKES_SO_LONG_S = 600.0
SECONDS_UNTIL_DEAD = 5


class TestWindow:
    async def test_gives_what_is_ours_to_all_processes_together(self, budgets: Budgets) -> None:
        one, two = budgets.process(), budgets.process()
        limit = per_minute(20)

        taken = [*await one.drain(limit, at_most=7), *await two.drain(limit), *await one.drain(limit)]

        assert len(taken) == 18  # a tenth is the customer's

    async def test_frees_a_place_a_window_after_the_answer_not_after_the_call(self, budgets: Budgets) -> None:
        process = budgets.process()
        (slot,) = await process.drain(per_minute(1, reserve=0.0))
        budgets.clock.advance(3)
        await self._answer(process, slot)

        budgets.clock.advance(57.5)
        with pytest.raises(RateLimited) as refusal:
            await process.admit(per_minute(1, reserve=0.0))
        refused_at = budgets.clock.now()
        # The meters hear of an answer a little later than it comes, on a busy machine half a second.
        budgets.clock.advance(4)
        await process.admit(per_minute(1, reserve=0.0))

        assert refusal.value.retry_at is not None
        assert timedelta(seconds=2) < refusal.value.retry_at - refused_at < MINUTE
        assert refusal.value.scope == "minute"

    async def test_frees_the_place_of_a_call_without_an_end_after_its_longest_and_a_window(
        self, budgets: Budgets
    ) -> None:
        limit = per_minute(1, reserve=0.0)
        await budgets.process().admit(limit, hold_s=30)  # never ends it

        survivor = budgets.process()
        budgets.clock.advance(89)
        assert await survivor.drain(limit) == []
        budgets.clock.advance(2)
        assert len(await survivor.drain(limit)) == 1

    async def test_a_fixed_window_is_free_at_the_calendars_boundary(self, budgets: Budgets) -> None:
        limit = Limit("minute", "zoho-books:1", "fixed", 1, MINUTE, reserve=0.0)
        budgets.clock.set(datetime(2026, 5, 4, 10, 0, 50, tzinfo=UTC))
        process = budgets.process()
        (slot,) = await process.drain(limit)
        await self._answer(process, slot)

        budgets.clock.set(datetime(2026, 5, 4, 10, 1, 0, tzinfo=UTC))
        assert await process.drain(limit) == []  # their clock may be a second behind
        budgets.clock.set(datetime(2026, 5, 4, 10, 1, 1, 100_000, tzinfo=UTC))
        assert len(await process.drain(limit)) == 1

    async def test_a_call_that_was_not_sent_costs_nothing(self, budgets: Budgets) -> None:
        process, limits = budgets.process(), (per_minute(1, reserve=0.0), per_day(1))
        for _ in range(3):
            slot = await process.admit(*limits)
            slot.unused()
            await process.settled()

        assert len(await process.drain(*limits)) == 1

    async def test_a_clock_set_back_counts_the_window_as_full_once_and_no_longer(self, budgets: Budgets) -> None:
        process, limit = budgets.process(), per_minute(2, reserve=0.0)
        await process.drain(limit)
        budgets.clock.advance(-86_400)

        assert await process.drain(limit) == []
        budgets.clock.advance(61)
        assert len(await process.drain(limit)) == 2

    async def _answer(self, process: Process, slot: Slot) -> None:
        slot.answered()
        await process.settled()


class TestSeveralLimits:
    async def test_are_taken_together_or_not_at_all(self, budgets: Budgets) -> None:
        process, minute = budgets.process(), per_minute(5, reserve=0.0)
        only = await process.admit(minute, at_once(1))
        for _ in range(10):
            assert await process.drain(minute, at_once(1)) == []
        only.answered()
        await process.settled()

        in_turn = 0
        while taken := await process.drain(minute, at_once(1)):
            in_turn += len(taken)
            taken[0].answered()
            await process.settled()

        assert in_turn == 4

    async def test_a_place_in_progress_is_free_with_the_answer(self, budgets: Budgets) -> None:
        one, two = budgets.process(), budgets.process()
        places = await one.drain(at_once(3))
        waiting = asyncio.create_task(two.admit(at_once(3), patience_s=60))
        await asyncio.sleep(0.1)
        assert not waiting.done()

        async with over_before(2):
            places[0].answered()
            slot = await waiting

        assert slot.waited_s > 0.05

    async def test_a_call_given_up_here_still_occupies_its_place_there(self, budgets: Budgets) -> None:
        process, limit = budgets.process(), at_once(1, lingers_s=120)
        (slot,) = await process.drain(limit)
        slot.unanswered()
        await process.settled()

        budgets.clock.advance(119)
        assert await process.drain(limit) == []
        budgets.clock.advance(2)
        assert len(await process.drain(limit)) == 1


class TestDeadCallers:
    """Their heartbeat tells, not the longest that their calls might have taken."""

    async def test_their_places_are_free_within_seconds(
        self, budgets: Budgets, valkey: ValkeyServer, database: Database
    ) -> None:
        limit, survivor = at_once(3), budgets.process(clock=SystemClock())
        holder = held(valkey, database, places=3)
        assert await survivor.drain(limit) == []

        holder.kill()
        holder.wait(10)

        assert await survivor.admit(limit, patience_s=NO_CALL_TAKES_SO_LONG_S / 4)
        assert len(await survivor.drain(limit)) == 2

    async def test_what_their_calls_cost_counts_a_window_from_their_death(self, budgets: Budgets) -> None:
        """The vendor may have counted them a moment before it."""
        dying, survivor, limit = budgets.process(), budgets.process(), per_minute(1, reserve=0.0)
        await dying.admit(limit, hold_s=NO_CALL_TAKES_SO_LONG_S)
        await dying.die()
        await until(lambda: survivor.is_dead(dying))

        assert await survivor.drain(limit) == []
        budgets.clock.advance(59 - SECONDS_UNTIL_DEAD)
        assert await survivor.drain(limit) == []
        budgets.clock.advance(SECONDS_UNTIL_DEAD + 2)
        assert len(await survivor.drain(limit)) == 1

    async def test_who_lives_keeps_its_places_however_long_its_call_takes(self, budgets: Budgets) -> None:
        process, other, limit = budgets.process(beat_s=0.2), budgets.process(), at_once(1)
        await process.admit(limit, hold_s=NO_CALL_TAKES_SO_LONG_S)
        began = monotonic()
        while monotonic() - began < SECONDS_UNTIL_DEAD + 1:
            assert await other.drain(limit) == []

    async def test_a_call_that_timed_out_still_occupies_its_place_there_when_its_process_has_died(
        self, budgets: Budgets
    ) -> None:
        dying, survivor, limit = budgets.process(), budgets.process(), at_once(1, lingers_s=120)
        (slot,) = await dying.drain(limit)
        slot.unanswered()
        await dying.settled()
        await dying.die()
        await until(lambda: survivor.is_dead(dying))

        assert await survivor.drain(limit) == []

    async def test_with_a_meter_that_has_forgotten_everything_too(
        self, budgets: Budgets, database: Database, tmp_path: Path
    ) -> None:
        """A kill of everything: nobody is left who could be in progress."""
        server, limit = ValkeyServer(tmp_path, durable=True).start(), at_once(8)
        try:
            holder = held(server, database, places=8)
            holder.kill()
            server.kill()
            server.start()
            fresh = budgets.process(url=server.url, clock=SystemClock())

            slots = [await fresh.admit(limit, patience_s=NO_CALL_TAKES_SO_LONG_S / 4) for _ in range(8)]

            assert len(slots) == 8
        finally:
            server.kill()

    async def test_a_meter_that_forgot_is_told_again_by_whoever_lives(
        self, budgets: Budgets, valkey: ValkeyServer
    ) -> None:
        living, other, limit = budgets.process(beat_s=0.2), budgets.process(clock=SystemClock()), at_once(3)
        slots = await living.drain(limit)
        valkey.flush()
        await until(lambda: other.in_progress(limit, 3))

        began = monotonic()
        while monotonic() - began < SECONDS_UNTIL_DEAD + 1:
            assert await other.drain(limit) == []
        slots[0].answered()
        assert await other.admit(limit, patience_s=10)

    async def test_a_beat_that_is_served_after_an_ending_holds_nothing(self, budgets: Budgets) -> None:
        process, limit = budgets.process(beat_s=0.2), at_once(1)
        (slot,) = await process.drain(limit)
        late = process.delays_its_beat()
        await late.begun.wait()
        slot.answered()
        await process.settled()
        late.served.set()

        assert await process.admit(limit, patience_s=10)


class TestFigures:
    async def test_tell_waits_and_how_much_of_ours_was_used(self, budgets: Budgets) -> None:
        metrics = Metrics()
        limit = Limit("minute", "zoho-books:1", "rolling", 20, timedelta(seconds=1), reserve=0.1)
        process = budgets.process(clock=FixedClockThatRuns(), metrics=metrics)
        ours = await process.drain(limit, at_most=18)
        more = [asyncio.create_task(process.admit(limit, patience_s=30)) for _ in range(2)]
        await until(lambda: process.waits(limit, 1))  # those of one process wait in its own queue
        for slot in ours:
            slot.answered()
        await asyncio.gather(*more)
        told = metrics.exposition()[0].decode()

        labels = '{connection="books",system="zoho-books"}'
        assert f"millrace_quota_wait_seconds_count{labels} 20.0" in told
        assert f"millrace_vendor_quota_saturated_use_ratio{labels} 1.0" in told
        assert f"millrace_vendor_quota_remaining_ratio{labels}" in told


class TestPriority:
    async def test_a_live_call_takes_the_very_next_place_whoever_waited_before(self, budgets: Budgets) -> None:
        one, two, limit = budgets.process(), budgets.process(), at_once(2)
        held = await one.drain(limit)
        order: list[str] = []

        async def wait(process: Process, name: str) -> None:
            slot = await process.admit(limit, priority=name.split()[0], patience_s=30)  # type: ignore[arg-type]
            order.append(name)
            slot.answered()

        names = ["backfill 1", "backfill 2", "backfill 3", "replay 1"]
        waiting = [asyncio.create_task(wait(one, name)) for name in names]
        await until(lambda: one.waits(limit, 1))
        waiting.append(asyncio.create_task(wait(two, "live 1")))
        await until(lambda: one.waits(limit, 2))
        held[0].answered()
        await asyncio.gather(*waiting)

        assert order[0] == "live 1"
        assert order[1] == "replay 1"

    async def test_a_live_call_does_not_wait_for_the_window_while_a_backfill_uses_it_up(self, budgets: Budgets) -> None:
        limit = Limit("minute", "zoho-books:1", "rolling", 100, timedelta(seconds=2), reserve=0.0)
        clock = FixedClockThatRuns()
        process = budgets.process(clock=clock)
        stop, given = asyncio.Event(), 0

        async def backfill() -> None:
            nonlocal given
            while not stop.is_set():
                slot = await process.admit(limit, priority="backfill", patience_s=30)
                given += 1
                slot.answered()

        working = [asyncio.create_task(backfill()) for _ in range(8)]
        await asyncio.sleep(4.5)  # the first window's burst has flattened out
        waits, overtaken = [], []
        began, before = monotonic(), given
        async with process.stood_still() as stood:
            for _ in range(15):
                asked = given
                slot = await process.admit(limit, patience_s=30)
                waits.append(slot.waited_s)
                overtaken.append(given - asked)
                slot.answered()
                await asyncio.sleep(0.07)
        # So often a place came: as the limit gives them, or as seldom as this machine takes them.
        one_slot = max(2 / 100, (monotonic() - began) / (given - before + 15))
        stop.set()
        await asyncio.gather(*working)

        # One that has its place and has not heard of it yet, and one for which the meters are being asked.
        assert max(overtaken) <= 2
        assert sorted(waits)[len(waits) // 2] < 3 * one_slot
        assert max(waits) < 15 * one_slot + stood.longest_s

    async def test_a_caller_that_gives_up_leaves_its_place_to_the_others(self, budgets: Budgets) -> None:
        process, limit = budgets.process(), at_once(1)
        (held,) = await process.drain(limit)
        for _ in range(5):
            gone = asyncio.create_task(process.admit(limit, patience_s=300))
            await asyncio.sleep(0.03)
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
        held.answered()

        await process.admit(limit, patience_s=10)


class TestDay:
    async def test_is_never_exceeded_through_restarts_of_everything(
        self, budgets: Budgets, valkey: ValkeyServer
    ) -> None:
        taken = 0
        for _ in range(6):
            process = budgets.process()
            taken += len(await process.drain(per_day(500), at_most=90))
            valkey.flush()
        taken += len(await budgets.process().drain(per_day(500)))

        assert 460 <= taken <= 500  # each loss of memory wastes a hundredth at most

    async def test_ends_at_the_organisations_midnight(self, budgets: Budgets) -> None:
        limit = per_day(2, zone="Asia/Kolkata")
        budgets.clock.set(datetime(2026, 5, 4, 18, 29, tzinfo=UTC))  # 23:59 in Kolkata
        process = budgets.process()
        assert len(await process.drain(limit)) == 2

        with pytest.raises(RateLimited) as refusal:
            await process.admit(limit)
        budgets.clock.set(datetime(2026, 5, 4, 18, 29, 58, tzinfo=UTC))
        assert await process.drain(limit) == []
        budgets.clock.set(datetime(2026, 5, 4, 18, 30, 6, tzinfo=UTC))

        assert refusal.value.retry_at == datetime(2026, 5, 4, 18, 30, 5, tzinfo=UTC)
        assert len(await process.drain(limit)) == 2

    async def test_around_midnight_a_call_counts_for_both_days(self, budgets: Budgets) -> None:
        limit = per_day(2)
        budgets.clock.set(datetime(2026, 5, 4, 23, 59, 57, tzinfo=UTC))
        process = budgets.process()
        assert len(await process.drain(limit)) == 2
        budgets.clock.set(datetime(2026, 5, 5, 12, 0, tzinfo=UTC))

        assert await process.drain(limit) == []

    async def test_keeps_a_part_for_live_calls(self, budgets: Budgets) -> None:
        process, limit = budgets.process(), per_day(100, kept_for_live=0.2)

        backfilled = await process.drain(limit, priority="backfill")
        lived = await process.drain(limit)

        assert (len(backfilled), len(lived)) == (80, 20)

    async def test_counts_what_each_call_takes_and_leaves_to_others_what_is_too_little_for_it(
        self, budgets: Budgets
    ) -> None:
        process, limit = budgets.process(), per_day(100)
        dear = replace(limit, weight=10)
        assert len(await process.drain(dear, at_most=3)) == 3
        (unused,) = await process.drain(dear, at_most=1)
        unused.unused()
        await process.settled()
        assert len(await process.drain(limit, at_most=65)) == 65

        assert await process.drain(dear) == []
        assert len(await process.drain(limit)) == 5

    async def test_keeps_the_part_of_live_calls_from_dear_ones_and_is_never_exceeded_by_them(
        self, budgets: Budgets, valkey: ValkeyServer
    ) -> None:
        process, dear = budgets.process(), replace(per_day(100, kept_for_live=0.2), weight=8)
        assert len(await process.drain(dear, priority="backfill")) == 10
        valkey.flush()
        # What memory is lost may waste is less than one of them.
        assert len(await budgets.process().drain(dear)) in (1, 2)

    async def test_of_a_turn_without_redis_is_taken_whole_or_not_at_all(self, budgets: Budgets, pool: Pool) -> None:
        floors, ticket, now = BudgetFloors(pool), Ticket("crm", budgets.clock.now().date(), 25, 10), budgets.clock.now()
        assert [await floors.take_turn([], [ticket], now, 0) for _ in range(2)] == [None, None]
        with pytest.raises(DayUsedUp):
            await floors.take_turn([], [ticket], now, 0)
        assert await floors.given(ticket) == (20, False)

    async def test_that_becomes_longer_is_so_at_once_for_every_class_of_calls(self, budgets: Budgets) -> None:
        """A plan that was changed at noon: what was left of the former one, and its end, say nothing any more."""
        process, before, after = budgets.process(), per_day(10, kept_for_live=0.2), per_day(1000, kept_for_live=0.2)
        assert len(await process.drain(before, priority="backfill")) == 8
        assert len(await process.drain(after, priority="backfill", at_most=20)) == 20
        await process.drain(after)
        assert await process.drain(after) == []

        assert len(await process.drain(per_day(2000), at_most=20)) == 20

    async def test_that_the_vendor_called_exhausted_stays_so_whatever_the_plan_says(self, budgets: Budgets) -> None:
        process = budgets.process()
        await process.admit(per_day(1000))
        await process.budget.throttled((per_day(1000),), RateLimited("X", "x", scope="day"))

        assert await process.drain(per_day(2000), at_most=20) == []

    async def test_called_exhausted_by_the_vendor_stays_so_without_redis_too(
        self, budgets: Budgets, valkey: ValkeyServer
    ) -> None:
        budgets.clock.set(datetime(2026, 5, 4, 12, tzinfo=UTC))
        process, limits = budgets.process(), (per_minute(100), per_day(1000))
        await process.admit(*limits)
        told = await process.budget.throttled(limits, RateLimited("X", "x", scope="day"))
        valkey.flush()

        budgets.clock.advance(120)
        with pytest.raises(RateLimited) as refusal:
            await budgets.process().admit(*limits)

        assert told.retry_at == refusal.value.retry_at == datetime(2026, 5, 5, 0, 0, 5, tzinfo=UTC)


class TestRefusalsOfTheVendor:
    async def test_hold_every_process_and_grow(self, budgets: Budgets) -> None:
        one, two, limits = budgets.process(), budgets.process(), (per_minute(100), at_once(10))
        pauses = []
        for _ in range(3):
            now = budgets.clock.now()
            refusal = RateLimited("X", "x", scope="minute", retry_at=now + MINUTE)
            told = await one.budget.throttled(limits, refusal)
            assert told.retry_at is not None
            with pytest.raises(RateLimited):
                await two.admit(*limits)
            pauses.append(round((told.retry_at - now).total_seconds()))
            budgets.clock.advance(pauses[-1] + 1)
        await two.admit(*limits)

        assert pauses == [60, 120, 240]

    async def test_of_calls_in_progress_together_count_as_one(self, budgets: Budgets) -> None:
        process, limits, now = budgets.process(), (at_once(10),), budgets.clock.now()
        for _ in range(8):
            refusal = RateLimited("X", "x", scope="concurrency", retry_at=now + timedelta(seconds=2))
            told = await process.budget.throttled(limits, refusal)

        assert told.retry_at is not None
        assert told.retry_at - now < timedelta(seconds=3)


class TestMemoryLost:
    async def test_the_running_window_counts_as_full_once(self, budgets: Budgets, valkey: ValkeyServer) -> None:
        process, limit = budgets.process(), per_minute(10)
        await process.drain(limit, at_most=2)
        valkey.flush()

        with pytest.raises(RateLimited) as refusal:
            await process.admit(limit)
        assert refusal.value.retry_at is not None
        assert timedelta(seconds=55) < refusal.value.retry_at - budgets.clock.now() <= timedelta(seconds=62)
        budgets.clock.advance(62)
        assert len(await process.drain(limit)) == 9

    async def test_a_first_use_waits_for_nothing(self, budgets: Budgets) -> None:
        process = budgets.process()
        steps = process.steps()

        slot = await process.admit(per_minute(10), at_once(5), per_day(1000), patience_s=60)

        assert steps[-1] is slot
        assert set(steps[:-1]) <= {0.0}

    async def test_after_a_night_of_rest_nothing_counts(self, budgets: Budgets, valkey: ValkeyServer) -> None:
        process, limit = budgets.process(), per_minute(10)
        await process.drain(limit)
        budgets.clock.advance(3600)
        valkey.flush()

        assert len(await process.drain(limit)) == 9

    async def test_an_old_copy_of_the_memory_is_no_memory(self, budgets: Budgets, tmp_path) -> None:  # type: ignore[no-untyped-def]
        server = ValkeyServer(tmp_path, durable=True).start()
        try:
            process, limit = budgets.process(url=server.url), per_minute(10)
            await process.drain(limit, at_most=1)
            server.kill()
            server.start()
            await asyncio.sleep(1.1)  # until Redis is asked again

            with pytest.raises(RateLimited) as refusal:
                await budgets.process(url=server.url).admit(limit)
            assert refusal.value.scope == "minute"
        finally:
            server.kill()

    async def test_no_call_comes_on_top_of_those_in_progress(self, budgets: Budgets, valkey: ValkeyServer) -> None:
        """Not one out of the reserve either: it may be in use."""
        process, limit = budgets.process(), at_once(10, reserve=0.2)
        assert len(await process.drain(limit)) == 8
        valkey.flush()

        assert await budgets.process().drain(limit) == []


class TestRedisAway:
    @pytest.fixture
    def away(self, budgets: Budgets, tmp_path) -> ValkeyServer:  # type: ignore[no-untyped-def]
        return ValkeyServer(tmp_path)  # not started

    async def test_calls_go_on_one_by_one_and_slowly(self, budgets: Budgets, away: ValkeyServer) -> None:
        one, two = budgets.process(url=away.url), budgets.process(url=away.url)
        limits = (per_minute(100), at_once(10, reserve=0.1))
        went = 0
        for _ in range(120):  # two minutes
            for process in (one, two):
                taken = await process.drain(*limits, at_most=1)
                for slot in taken:
                    slot.answered()
                await process.settled()
                went += len(taken)
            budgets.clock.advance(1)

        assert 8 <= went <= 11  # five a minute out of a reserve of ten: together with ours never more than a hundred

    async def test_only_one_of_many_has_the_first_turn(self, budgets: Budgets, pool: Pool) -> None:
        floors, now = BudgetFloors(pool), budgets.clock.now()
        paces = [Pace(name, timedelta(seconds=30), timedelta(seconds=1)) for name in ("x:minute", "x:concurrency")]
        for pace in paces:
            # All at once, so that each connection of the pool is there before the turns are asked for.
            await asyncio.gather(*(floors.active(pace.limit_id, now) for _ in range(6)))
        later = await asyncio.gather(*(floors.take_turn(paces, [], now, 0) for _ in range(6)))
        assert sum(one is None for one in later) == 1

    async def test_the_days_cap_holds(self, budgets: Budgets, away: ValkeyServer, valkey: ValkeyServer) -> None:
        budgets.clock.set(datetime(2026, 5, 4, 12, tzinfo=UTC))
        limits = (at_once(10, reserve=0.2), per_day(5))
        assert len(await budgets.process().drain(*limits, at_most=3)) == 3
        went = 0
        for _ in range(10):
            process = budgets.process(url=away.url)
            for slot in await process.drain(*limits, at_most=1):
                slot.answered()
                went += 1
            await process.settled()
            budgets.clock.advance(1)

        assert went == 2

    async def test_live_calls_take_the_turns_before_a_backfill(self, budgets: Budgets, away: ValkeyServer) -> None:
        process, limit = budgets.process(url=away.url), per_minute(100)
        (slot,) = await process.drain(limit, at_most=1)
        slot.answered()
        await process.settled()

        budgets.clock.advance(12.1)
        assert await process.drain(limit, priority="backfill", at_most=1) == []
        assert len(await process.drain(limit, at_most=1)) == 1

    async def test_a_server_that_only_accepts_is_away_too(self, budgets: Budgets, tmp_path) -> None:  # type: ignore[no-untyped-def]
        server = ValkeyServer(tmp_path).start()
        try:
            process = budgets.process(url=server.url, is_patient=False)
            server.pause()
            async with over_before(3):
                await process.admit(per_minute(100), patience_s=60)
            server.resume()
        finally:
            server.kill()

    async def test_when_it_is_back_what_was_given_before_still_counts(self, budgets: Budgets, tmp_path) -> None:  # type: ignore[no-untyped-def]
        server = ValkeyServer(tmp_path).start()
        try:
            process, limit = budgets.process(url=server.url), per_minute(20)
            held = await process.drain(limit)
            server.kill()
            held[0].answered()  # cannot be told
            await process.settled()
            server.start()
            await asyncio.sleep(1.1)

            assert await process.drain(limit) == []
            budgets.clock.advance(62)
            # The calls that are in progress count as long as they are, though the meter had forgotten them.
            assert len(await process.drain(limit)) == 1
            budgets.clock.advance(30)
            assert len(await process.drain(limit)) >= 17
        finally:
            server.kill()

    async def test_calls_of_two_kinds_tell_together_of_what_it_has_not_heard(self, budgets: Budgets) -> None:
        process, limit = budgets.process(), per_minute(100)
        held = await process.admit(limit)
        process.does_not_hear_of_endings()
        held.answered()
        await process.settled()
        slots = await asyncio.gather(process.admit(limit), process.admit(at_once(10)))
        assert len(slots) == 2


class TestConsole:
    async def test_takes_its_places_like_every_service(self, database: Database, valkey: ValkeyServer) -> None:
        pool = await open_pool(database.url("console"), name="tests", size=2)
        made = Budgets(valkey.url, pool, FixedClock())
        limits = (per_minute(100), per_day(1000), at_once(10, reserve=0.1))
        try:
            await made.process().admit(*limits)
            away = made.process(url="redis://127.0.0.1:1/0")
            assert await away.drain(*limits) == []  # who has calls in progress has some seconds to say so
            for _ in range(3):
                made.clock.advance(2)
                last = await away.drain(*limits, at_most=1)
            assert len(last) == 1
        finally:
            await made.aclose()
            await close_pool(pool)


class TestNobodyKnows:
    async def test_without_both_no_call_is_made(self, budgets: Budgets, pool: Pool, tmp_path) -> None:  # type: ignore[no-untyped-def]
        process = budgets.process(url=ValkeyServer(tmp_path).url)
        await pool.close()

        with pytest.raises(Transient) as failure:
            await process.admit(per_minute(100))

        assert failure.value.code == "QUOTA_UNAVAILABLE"


class TestQuota:
    async def test_shows_used_reserved_and_waiting(self, budgets: Budgets) -> None:
        budgets.clock.set(datetime(2026, 5, 4, 12, tzinfo=UTC))
        limits = (per_minute(100), per_day(1000, reserve=0.1), at_once(3))
        process = budgets.process()
        taken = await process.drain(*limits)
        taken[0].answered()
        await process.settled()
        (again,) = await process.drain(*limits, at_most=1)
        waiting = asyncio.create_task(budgets.process().admit(*limits, patience_s=30))
        await until(lambda: process.waits(limits[0], 1))

        quota = await budgets.quota().read(limits)
        minute, day, together = quota.limits
        again.answered()
        await waiting

        assert quota.metered
        assert (minute.count, minute.ours, minute.reserved) == (100, 90, 10)
        assert (minute.used, minute.in_flight) == (4, 3)
        assert (together.used, together.waiting) == (3, 1)
        assert (day.used, day.ours) == (4, 900)
        assert day.resets_at is not None and day.resets_at > budgets.clock.now()

    async def test_says_what_is_known_while_redis_is_away(self, budgets: Budgets, tmp_path) -> None:  # type: ignore[no-untyped-def]
        quota = await budgets.quota(ValkeyServer(tmp_path).url).read((per_minute(100),))

        assert not quota.metered
        assert quota.limits[0].used is None


def held(valkey: ValkeyServer, database: Database, *, places: int) -> subprocess.Popen[str]:
    """A process that has these places."""
    given = {"redis": valkey.url, "database": database.url("service"), "places": places}
    holder = subprocess.Popen(
        [sys.executable, "-m", "tests.support.place_holder", json.dumps(given | {"hold_s": NO_CALL_TAKES_SO_LONG_S})],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


async def until(reached: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await reached():  # noqa: ASYNC110 - another process's memory is no event
            await asyncio.sleep(0.05)


class FixedClockThatRuns(FixedClock):
    """The machine's time; a clock of a test that needs real time to pass."""

    def now(self) -> datetime:
        return datetime.now(UTC)
