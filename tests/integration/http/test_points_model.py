"""The bucket against a little model of the vendor's: whatever comes in whatever order, no call of ours meets a bucket that does not hold it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from common.clock import FixedClock, SystemClock
from common.http.meter import Asker, Meter, Metered
from common.http.profile import Limit, PointsTold
from tests.support.budgets import waited_for
from tests.support.valkey_server import ValkeyServer

SIZE, RESTORE, LINGERS_S = 2_000, 100, 3
LIMIT = Limit(
    "points",
    "shopify:1",
    "points",
    SIZE,
    timedelta(seconds=20),
    kept_for_live=0.3,
    lingers=timedelta(seconds=LINGERS_S),
)


@dataclass
class VendorBucket:
    """As the sheet describes it: the whole price has to be there, and is taken until the answer."""

    now: Callable[[], float]
    level: float = SIZE
    at: float = 0.0
    emptiest: float = SIZE

    def available(self) -> float:
        self.level = min(SIZE, self.level + (self.now() - self.at) * RESTORE)
        self.at = self.now()
        return self.level

    def take(self, points: float) -> None:
        self.level = self.available() - points
        self.emptiest = min(self.emptiest, self.level)


@dataclass
class Flight:
    """A call of ours on its way."""

    slot: str
    cost: int
    told: PointsTold | None = None
    is_counted: bool = False


@dataclass
class World:
    redis: Redis
    clock: FixedClock
    numbers: int = 0
    flights: list[Flight] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.meter = Meter(self.redis, self.clock)
        self.one = Metered(LIMIT)
        self.vendor = VendorBucket(lambda: self.clock.now().timestamp(), at=self.clock.now().timestamp())

    async def knows(self, *, empty: bool) -> None:
        now = self.clock.now()
        await self.meter.restore(self.one, now + timedelta(days=9), now if empty else None)

    async def ask(self, number: int) -> None:
        self.numbers += 1
        cost = 1 + number * 9 if number % 5 else 1
        slot = f"p{number % 3}:{self.numbers}:{cost}"
        reply = await self.meter.acquire(slot, [self.one], Asker(f"p{number % 3}", number % 2, self.numbers, 45_000))
        if reply.verdict == "granted":
            self.flights.append(Flight(slot, cost))

    async def arrive(self, number: int) -> None:
        """The vendor sees a call, whichever of those on their way."""
        flights = [one for one in self.flights if not one.is_counted]
        if flights:
            flight = flights[number % len(flights)]
            self.vendor.take(flight.cost)
            flight.is_counted = True

    async def end(self, number: int) -> None:
        """The vendor answers one that it has seen."""
        flights = [one for one in self.flights if one.is_counted and one.told is None]
        if flights:
            flight = flights[number % len(flights)]
            spent = flight.cost * (number % 11) // 10
            self.vendor.take(spent - flight.cost)
            left = int(min(SIZE, self.vendor.available()))
            flight.told = PointsTold(flight.cost, spent, left, SIZE, RESTORE)

    async def hear(self, number: int) -> None:
        """An answer reaches us, in whatever order."""
        flights = [one for one in self.flights if one.told is not None]
        if flights:
            flight = flights[number % len(flights)]
            self.flights.remove(flight)
            await self.meter.release(flight.slot, [self.one], "answered", flight.told)

    async def miss(self, number: int) -> None:
        """Of one that was seen we get no answer, and the vendor takes little for it."""
        flights = [one for one in self.flights if one.is_counted and one.told is None]
        if flights:
            flight = flights[number % len(flights)]
            self.vendor.take(1 - flight.cost)
            self.flights.remove(flight)
            await self.meter.release(flight.slot, [self.one], "unanswered")

    async def wait(self, number: int) -> None:
        self.clock.advance(number / 40)

    async def forget(self, number: int) -> None:
        if number % 4 == 0:
            await self.redis.flushall()
            await self.knows(empty=True)

    async def ends_well(self) -> None:
        """Everybody is heard, and one more answer says how much there is: nothing of it is lost to us."""
        for act in (self.arrive, self.end, self.hear):
            for _ in range(len(self.flights)):
                await act(0)
        assert self.flights == []
        self.clock.advance(LINGERS_S + 1)
        flight = Flight("p0:last:1", 1)
        reply = await self.meter.acquire(flight.slot, [self.one], Asker("p0", 0, 0, 45_000))
        assert reply.verdict == "granted"
        self.flights = [flight]
        await self.arrive(0)
        await self.end(0)
        await self.hear(0)
        bucket = (await self.meter.read(self.one)).bucket
        assert bucket is not None
        assert abs(bucket.left - (self.vendor.available() - LIMIT.reserved)) < LIMIT.reserved / 2


ACTS = ("ask", "ask", "ask", "arrive", "arrive", "end", "end", "hear", "hear", "miss", "wait", "forget")


class TestAgainstTheModel:
    @pytest.mark.parametrize("seed", range(4))
    async def test_no_call_is_refused_and_no_point_is_lost(self, valkey: ValkeyServer, seed: int) -> None:
        """Walks of many lengths: a seed tells which of them failed."""
        redis = waited_for(valkey.url)
        try:
            for walk in range(20):
                chance = random.Random(f"{seed}:{walk}")
                await redis.flushall()
                world = World(redis, FixedClock(SystemClock().now()))
                await world.knows(empty=False)
                for _ in range(chance.randrange(10, 90)):
                    await getattr(world, chance.choice(ACTS))(chance.randrange(100))
                    # What stays in it is the reserve, but for the moments that a busy machine puts between two clocks.
                    assert world.vendor.emptiest >= LIMIT.reserved / 2, walk
                await world.ends_well()
        finally:
            await redis.aclose()
