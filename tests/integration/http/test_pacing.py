"""How a window is used up by what is in no hurry: real meters, and a clock that passes when nobody may call."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from common.clock import FixedClock, machine_time
from common.http.floor import Floor
from common.http.forecast import Forecast
from common.http.meter import Asker, Meter, Metered, Reply
from common.http.profile import Limit
from common.state.budget_floors import BudgetFloors
from common.state.pool import Pool
from tests.support.budgets import per_minute, waited_for
from tests.support.valkey_server import ValkeyServer

# As many as a list of 50,000 records has pages.
PAGES = 250
A_PAGE_TAKES_S = 0.1
BACKFILL = 2


@dataclass
class Caller:
    """Calls one after the other, each as soon as it may."""

    redis: Redis
    meter: Meter
    floor: Floor
    clock: FixedClock
    limit: Limit
    answered: list[float] = field(default_factory=list)
    live_waits: list[float] = field(default_factory=list)
    """What a live call would have waited, each second."""
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.began = self.now

    @property
    def now(self) -> float:
        return self.clock.now().timestamp()

    async def call(self) -> None:
        while (reply := await self.ask(slot := f"caller:{next(self.numbers)}")).verdict != "granted":
            await self.passes(reply.ms / 1000)
        await self.passes(A_PAGE_TAKES_S)
        await self.meter.release(slot, [Metered(self.limit)], "answered")
        self.answered.append(self.now)

    async def passes(self, seconds: float) -> None:
        before = self.now
        for _ in range(int(seconds)):
            self.clock.advance(1)
            await self.looks()
        self.clock.advance(max(0.001, before + seconds - self.now))

    async def looks(self) -> None:
        """Changes nothing: a live call that is made is one of those that the backfill waits for."""
        if (await self.meter.read(Metered(self.limit))).used < self.limit.ours:
            self.live_waits.append(0.0)
        else:
            ((_, free),) = await self.redis.zrange(Metered(self.limit).log, 0, 0, withscores=True)
            self.live_waits.append(free / 1000 - self.now)

    async def ask(self, slot: str) -> Reply:
        asker = Asker("caller", BACKFILL, int(machine_time().timestamp() * 1000), 30_000)
        while True:
            reply = await self.meter.acquire(slot, [Metered(self.limit)], asker)
            match reply.verdict:
                case "lost":
                    await self.floor.restore(Metered(self.limit), timedelta(seconds=30))
                case "idle":
                    await self.floor.announce(Metered(self.limit))
                case _:
                    return reply


@pytest.fixture
async def caller(valkey: ValkeyServer, pool: Pool) -> AsyncIterator[Caller]:
    redis: Redis = waited_for(valkey.url)
    clock = FixedClock(machine_time())
    meter = Meter(redis, clock)
    yield Caller(redis, meter, Floor(meter, BudgetFloors(pool), clock), clock, per_minute(100))
    await redis.aclose()


class TestAWholeAccount:
    async def test_is_listed_within_what_the_vendor_allows_and_never_over_what_is_ours(self, caller: Caller) -> None:
        for _ in range(PAGES):
            await caller.call()

        # At the vendor's hundred a minute, evenly spread, it takes 150.
        assert caller.answered[-1] - caller.began < 162
        busiest = max(sum(at <= one < at + 60 for one in caller.answered) for at in caller.answered)
        assert busiest <= 90

    async def test_takes_as_long_as_was_foretold(self, caller: Caller) -> None:
        told = []
        for done in range(PAGES):
            await caller.call()
            left = await Forecast(caller.meter).seconds([caller.limit], PAGES - 1 - done)
            assert left is not None
            told.append((caller.now, left))

        ended = caller.answered[-1]
        judged = [(left, ended - at) for at, left in told if at - caller.began < 0.9 * (ended - caller.began)]
        assert max(abs(left - rest) / rest for left, rest in judged) < 0.15

    async def test_leaves_places_for_whoever_is_in_a_hurry(self, caller: Caller) -> None:
        """At any moment, the minute after the first burst included: one that came late in it waited half a minute."""
        for _ in range(PAGES):
            await caller.call()
            await caller.looks()

        assert max(caller.live_waits) < 8
