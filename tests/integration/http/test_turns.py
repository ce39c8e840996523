"""Calls while Valkey is away: who has the turn, how long, and what it never comes on top of."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from common.clock import SystemClock, monotonic
from common.failures import RateLimited
from common.http.profile import Limit
from common.http.slot import Slot
from tests.support.budgets import Budgets, Process, at_once, per_day, per_minute
from tests.support.patience import patient
from tests.support.valkey_server import ValkeyServer

# As Mailchimp's: a call may take 130 s, and most take one.
TEN = at_once(10, reserve=0.2)
LONGEST_S = 130.0


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[ValkeyServer]:
    """One to be killed."""
    server = ValkeyServer(tmp_path / "mortal").start()
    yield server
    server.kill()


@pytest.fixture
def away(tmp_path: Path) -> ValkeyServer:
    return ValkeyServer(tmp_path / "away")  # not started


def process(budgets: Budgets, server: ValkeyServer) -> Process:
    return budgets.process(url=server.url, clock=SystemClock(), beat_s=0.2)


async def place(one: Process, limit: Limit = TEN, within_s: float = 60) -> Slot:
    return await one.admit(limit, hold_s=LONGEST_S, patience_s=patient(within_s))


class TestATurnThatACallHas:
    """Nobody knows when it ends."""

    async def test_is_the_next_ones_when_the_call_ends(self, budgets: Budgets, away: ValkeyServer) -> None:
        one, two = process(budgets, away), process(budgets, away)
        first = await place(one)
        waiting = asyncio.create_task(place(two))
        await asyncio.sleep(0.7)
        assert not waiting.done()

        first.answered()
        await waiting

    async def test_is_asked_for_again_soon_by_who_had_to_give_up(self, budgets: Budgets, away: ValkeyServer) -> None:
        await place(process(budgets, away))
        with pytest.raises(RateLimited) as refusal:
            await process(budgets, away).admit(TEN, hold_s=LONGEST_S, patience_s=1)

        assert refusal.value.retry_at is not None
        assert refusal.value.retry_at - SystemClock().now() < timedelta(seconds=2)

    async def test_goes_to_the_most_urgent_whichever_process_asks(self, budgets: Budgets, away: ValkeyServer) -> None:
        one, two, order = process(budgets, away), process(budgets, away), list[str]()

        async def wait(asker: Process, priority: str) -> None:
            slot = await asker.admit(TEN, priority=priority, hold_s=LONGEST_S, patience_s=patient(60))  # type: ignore[arg-type]
            order.append(priority)
            slot.answered()

        first = await place(one)
        waiting = [asyncio.create_task(wait(one, "backfill")) for _ in range(2)]
        await asyncio.sleep(0.1)
        waiting.append(asyncio.create_task(wait(two, "live")))
        await asyncio.sleep(0.6)
        first.answered()
        await asyncio.gather(*waiting)

        assert order[0] == "live"

    async def test_lasts_as_long_as_the_vendor_may_be_busy_with_what_nobody_saw_the_end_of(
        self, budgets: Budgets, away: ValkeyServer
    ) -> None:
        one, limit = budgets.process(url=away.url), at_once(10, reserve=0.2, lingers_s=120)
        (slot,) = await one.drain(limit, at_most=1)
        slot.unanswered()
        await one.settled()

        budgets.clock.advance(119)
        assert await one.drain(limit) == []
        budgets.clock.advance(2)
        assert len(await one.drain(limit, at_most=1)) == 1

    async def test_is_held_for_a_longest_call_and_no_longer_after_a_clock_that_was_set_back(
        self, budgets: Budgets, away: ValkeyServer
    ) -> None:
        one = budgets.process(url=away.url)
        await one.drain(TEN, at_most=1)
        budgets.clock.advance(-86_400)

        assert await one.drain(TEN) == []
        budgets.clock.advance(32)
        assert len(await one.drain(TEN, at_most=1)) == 1


class TestWhatWasInProgressBefore:
    """It still counts: nothing is taken out of the reserve, which others may be using."""

    async def test_has_all_places_until_one_of_them_ends(self, budgets: Budgets, mortal: ValkeyServer) -> None:
        busy, other = process(budgets, mortal), process(budgets, mortal)
        slots = [await place(busy) for _ in range(8)]
        mortal.kill()
        waiting = asyncio.create_task(place(other))
        began = monotonic()
        while monotonic() - began < 8:
            assert not waiting.done()
            await asyncio.sleep(0.1)

        slots[0].answered()
        await waiting

    async def test_leaves_room_for_a_turn_where_it_has_not_all_places(
        self, budgets: Budgets, mortal: ValkeyServer
    ) -> None:
        busy, other = process(budgets, mortal), process(budgets, mortal)
        for _ in range(7):
            await place(busy)
        mortal.kill()

        await place(other)

    async def test_is_over_when_its_process_has_died(self, budgets: Budgets, mortal: ValkeyServer) -> None:
        dying, other = process(budgets, mortal), process(budgets, mortal)
        for _ in range(8):
            await place(dying)
        mortal.kill()
        waiting = asyncio.create_task(place(other))
        await asyncio.sleep(2)
        await dying.die()

        await waiting


class TestWhenItIsBack:
    async def test_all_go_on_by_the_meters_though_a_call_by_turns_goes_on_and_it_counts(
        self, budgets: Budgets, mortal: ValkeyServer
    ) -> None:
        one, two = process(budgets, mortal), process(budgets, mortal)
        mortal.kill()
        await place(one)
        waiting = asyncio.create_task(place(two))
        await asyncio.sleep(1.5)
        assert not waiting.done()
        mortal.start()

        await waiting
        await two.comes_to(TEN, 2)
        more = [asyncio.create_task(place(two)) for _ in range(7)]
        done, pending = await asyncio.wait(more, timeout=5)
        assert (len(done), len(pending)) == (6, 1)
        await asyncio.gather(*(cancelled(one) for one in pending))

    async def test_a_window_counts_what_went_by_turns(self, budgets: Budgets, mortal: ValkeyServer) -> None:
        one, limit = budgets.process(url=mortal.url), per_minute(20)
        mortal.kill()
        (slot,) = await one.drain(limit, at_most=1)
        slot.answered()
        await one.settled()
        mortal.start()
        await asyncio.sleep(1.1)  # until it is asked again

        assert len(await one.drain(limit)) == 17

    async def test_a_number_of_a_day_is_given_back_once_though_it_is_told_twice(
        self, budgets: Budgets, mortal: ValkeyServer
    ) -> None:
        one, limits = budgets.process(url=mortal.url), (at_once(10), per_day(3))
        (slot,) = await one.drain(*limits, at_most=1)
        one.does_not_hear_of_endings()
        slot.unused()
        await one.settled()

        taken = 0
        while some := await one.drain(*limits, at_most=1):
            some[0].answered()
            await one.settled()
            taken += 1
        assert taken == 3


async def cancelled(task: asyncio.Task[Slot]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
