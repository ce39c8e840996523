"""Budgets for tests: several in one test stand for several processes."""

from __future__ import annotations

from datetime import timedelta

from redis.asyncio import Redis

from common.clock import Clock, FixedClock, monotonic
from common.contracts.connections import Connection
from common.contracts.ids import ConnectionId, VendorName
from common.failures import RateLimited
from common.http.budget import MeteredBudget, Slot
from common.http.call import Priority
from common.http.meter import Meter, open_redis
from common.http.profile import Limit
from common.http.quota import QuotaReader
from common.metrics import Metrics
from common.secret import SecretUrl
from common.state.budget_floors import BudgetFloors
from common.state.pool import Pool

BOOKS = Connection(ConnectionId("books"), VendorName("zoho-books"), "Books")


def per_minute(count: int, **more: float) -> Limit:
    return Limit("minute", "zoho-books:1", "rolling", count, timedelta(minutes=1), **more)


def at_once(count: int, *, reserve: float = 0.0, lingers_s: float = 0.0) -> Limit:
    return Limit(
        "concurrency", "zoho-books:1", "concurrency", count, reserve=reserve, lingers=timedelta(seconds=lingers_s)
    )


def per_day(count: int, *, zone: str = "UTC", kept_for_live: float = 0.0, reserve: float = 0.0) -> Limit:
    return Limit("day", "zoho-books:1", "daily", count, reserve=reserve, resets_zone=zone, kept_for_live=kept_for_live)


class Process:
    """One budget and a short way to ask it."""

    def __init__(self, budget: MeteredBudget) -> None:
        self.budget = budget

    async def admit(
        self, *limits: Limit, priority: Priority = "live", patience_s: float = 0.0, hold_s: float = 30.0
    ) -> Slot:
        return await self.budget.admit(
            BOOKS, limits, priority, hold_s=hold_s, deadline=monotonic() + max(patience_s, 0.5)
        )

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
        await self.budget.settled()


class Budgets:
    """Makes processes on one Valkey, one database and one clock."""

    def __init__(self, valkey_url: str, pool: Pool, clock: FixedClock) -> None:
        self.clock = clock
        self.pool = pool
        self._url = valkey_url
        self._open: list[tuple[MeteredBudget, Redis]] = []
        self._readers: list[Redis] = []

    def process(self, *, url: str | None = None, clock: Clock | None = None, metrics: Metrics | None = None) -> Process:
        redis = open_redis(SecretUrl(url or self._url))
        at = clock or self.clock
        budget = MeteredBudget(Meter(redis, at), BudgetFloors(self.pool), at, metrics=metrics, jitter=lambda: 0.0)
        self._open.append((budget, redis))
        return Process(budget)

    def quota(self, url: str | None = None) -> QuotaReader:
        redis = open_redis(SecretUrl(url or self._url))
        self._readers.append(redis)
        return QuotaReader(Meter(redis, self.clock), BudgetFloors(self.pool), self.clock)

    async def aclose(self) -> None:
        for redis in self._readers:
            await redis.aclose()
        for budget, redis in self._open:
            await budget.aclose()
            await redis.aclose()
