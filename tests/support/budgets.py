"""Budgets for tests: several in one test stand for several processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from redis.asyncio import Redis
from redis.exceptions import RedisError

from common.clock import Clock, FixedClock, monotonic
from common.contracts.connections import Connection
from common.contracts.ids import ConnectionId, VendorName
from common.failures import Failure, RateLimited
from common.http.budget import MeteredBudget
from common.http.call import Priority
from common.http.held_places import BEAT_S
from common.http.lane import Waiter
from common.http.meter import Ending, HeldPlace, Meter, Metered, open_redis
from common.http.profile import Limit, PointsTold
from common.http.quota import QuotaReader
from common.http.slot import Slot
from common.metrics import Metrics
from common.secret import SecretUrl
from common.state.budget_floors import BudgetFloors
from common.state.pool import Pool

METERS_ANSWER_WITHIN_S = 30.0
ASKED_EVERY_S = 0.01
BOOKS = Connection(ConnectionId("books"), VendorName("zoho-books"), "Books")


def per_minute(count: int, **more: float) -> Limit:
    return Limit("minute", "zoho-books:1", "rolling", count, timedelta(minutes=1), **more)


def at_once(count: int, *, reserve: float = 0.0, lingers_s: float = 0.0) -> Limit:
    return Limit(
        "concurrency", "zoho-books:1", "concurrency", count, reserve=reserve, lingers=timedelta(seconds=lingers_s)
    )


def per_day(count: int, *, zone: str = "UTC", kept_for_live: float = 0.0, reserve: float = 0.0) -> Limit:
    return Limit("day", "zoho-books:1", "daily", count, reserve=reserve, resets_zone=zone, kept_for_live=kept_for_live)


def waited_for(url: str) -> Redis:
    """The meters, however long they take: to the product a server that does not answer at once is away, and a busy machine's is not."""
    redis = open_redis(SecretUrl(url))
    redis.connection_pool.connection_kwargs["socket_timeout"] = METERS_ANSWER_WITHIN_S
    return redis


class LateBeat:
    """A heartbeat on its way."""

    def __init__(self) -> None:
        self.begun, self.served = asyncio.Event(), asyncio.Event()


@dataclass
class StoodStill:
    """The longest time in which neither this loop nor the meters came to anything."""

    longest_s: float = 0.0


class Process:
    """One budget and a short way to ask it."""

    def __init__(self, budget: MeteredBudget, meter: Meter, redis: Redis) -> None:
        self.budget = budget
        self._meter = meter
        self._redis = redis

    async def admit(
        self,
        *limits: Limit,
        priority: Priority = "live",
        patience_s: float = 0.0,
        hold_s: float = 30.0,
        cost: int = 1,
    ) -> Slot:
        while True:
            deadline = monotonic() + max(patience_s, 0.5)
            try:
                return await self.budget.admit(BOOKS, limits, priority, hold_s=hold_s, deadline=deadline, cost=cost)
            except RateLimited as refused:
                # Without a limit that refuses it was the machine: the meters had not answered by then.
                if refused.scope:
                    raise

    async def drain(self, *limits: Limit, priority: Priority = "live", at_most: int = 1000) -> list[Slot]:
        """Takes places until there is none."""
        taken: list[Slot] = []
        while len(taken) < at_most:
            try:
                taken.append(await self.admit(*limits, priority=priority))
            except RateLimited:
                break
        return taken

    async def settled(self) -> None:
        """Until every ending was told."""
        while self.budget._endings:
            await self.budget.settled()

    async def die(self) -> None:
        """It beats no more; what it had in progress it never ends."""
        await self.budget.aclose()

    async def is_dead(self, other: Process) -> bool:
        """Whether the meters have not heard of another one for so long that its places are free."""
        seconds, microseconds = await self._redis.time()
        (beat,) = await self._redis.zmscore("budget:alive", [other.budget._process])
        return beat is None or seconds * 1000 + microseconds // 1000 - beat > 5000

    async def in_progress(self, limit: Limit, count: int) -> bool:
        return (await self._meter.read(Metered(limit))).in_flight == count

    async def comes_to(self, limit: Limit, count: int) -> None:
        """Until so many are in progress, as far as the meters know."""
        async with asyncio.timeout(30):
            while not await self.in_progress(limit, count):  # noqa: ASYNC110 - another process's memory is no event
                await asyncio.sleep(0.05)

    async def waits(self, limit: Limit, count: int) -> bool:
        """Whether so many wait for this limit, in all processes."""
        return (await self._meter.read(Metered(limit))).waiting == count

    @asynccontextmanager
    async def stood_still(self) -> AsyncIterator[StoodStill]:
        """How long the machine did other things at a time, while this is open."""
        found, over = StoodStill(), asyncio.Event()

        async def ask() -> None:
            # Not cancelled: its client passes over that when it comes at the end of a send.
            while not over.is_set():
                asked = monotonic()
                await self._redis.time()
                await asyncio.sleep(ASKED_EVERY_S)
                found.longest_s = max(found.longest_s, monotonic() - asked - ASKED_EVERY_S)

        asking = asyncio.create_task(ask())
        try:
            yield found
        finally:
            over.set()
            await asking

    def steps(self) -> list[object]:
        """What each of its questions from now on comes to: a place, a failure, or the seconds to wait."""
        found: list[object] = []
        step = self.budget._step

        async def noted(waiter: Waiter[Slot]) -> Slot | Failure | float:
            found.append(answer := await step(waiter))
            return answer

        self.budget._step = noted  # type: ignore[method-assign]
        return found

    def does_not_hear_of_endings(self) -> None:
        """What it tells of an ending is done by the meters, and the answer is lost."""
        release = self._meter.release

        async def unheard(slot: str, metered: Sequence[Metered], how: Ending, told: PointsTold | None = None) -> None:
            self._meter.release = release  # type: ignore[method-assign]
            await release(slot, metered, how, told)
            raise RedisError("the answer is lost")

        self._meter.release = unheard  # type: ignore[method-assign]

    def delays_its_beat(self) -> LateBeat:
        """Its next beat reaches the meters when the test says so."""
        late, beat = LateBeat(), self._meter.beat

        async def held_up(process: str, places: Sequence[HeldPlace]) -> None:
            late.begun.set()
            await late.served.wait()
            await beat(process, places)

        self._meter.beat = held_up  # type: ignore[method-assign]
        return late


class Budgets:
    """Makes processes on one Valkey, one database and one clock."""

    def __init__(self, valkey_url: str, pool: Pool, clock: FixedClock) -> None:
        self.clock = clock
        self.pool = pool
        self._url = valkey_url
        self._open: list[tuple[MeteredBudget, Redis]] = []
        self._readers: list[Redis] = []

    def process(
        self,
        *,
        url: str | None = None,
        clock: Clock | None = None,
        metrics: Metrics | None = None,
        beat_s: float = BEAT_S,
        is_patient: bool = True,
    ) -> Process:
        redis = waited_for(url or self._url) if is_patient else open_redis(SecretUrl(url or self._url))
        at = clock or self.clock
        meter = Meter(redis, at)
        floors = BudgetFloors(self.pool)
        budget = MeteredBudget(meter, floors, at, metrics=metrics, jitter=lambda: 0.0, beat_s=beat_s)
        self._open.append((budget, redis))
        return Process(budget, meter, redis)

    def quota(self, url: str | None = None) -> QuotaReader:
        redis = waited_for(url or self._url)
        self._readers.append(redis)
        return QuotaReader(Meter(redis, self.clock), BudgetFloors(self.pool), self.clock)

    async def aclose(self) -> None:
        for redis in self._readers:
            await redis.aclose()
        for budget, redis in self._open:
            await budget.aclose()
            await redis.aclose()
