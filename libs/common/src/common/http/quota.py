"""How a connection's quota stands, for people: used, reserved, waiting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Protocol

from redis.exceptions import RedisError

from common.clock import Clock
from common.http import month_forecast
from common.http.floor import day_ends, metered, ticket
from common.http.meter import Meter, Metered, Reading
from common.http.profile import Limit, Shape
from common.state.budget_floors import Ticket


@dataclass(frozen=True, slots=True)
class LimitUse:
    """One limit as it stands now; figures are None while Redis is away."""

    name: str
    shape: Shape
    count: int
    """What the vendor allows."""
    reserved: int
    """Left for the customer's other applications."""
    ours: int
    kept_for_live: int
    window_s: float
    used: int | None
    """Of ours: counted now, calls in progress included; of points those that are not there."""
    in_flight: int | None
    waiting: int | None
    """Processes with calls that wait for a place."""
    resets_at: datetime | None
    paused_until: datetime | None
    exhausted: bool = False
    forecast: int | None = None
    """Of a month: how many calls it will have come to at its end, if it goes on like the last days."""


@dataclass(frozen=True, slots=True)
class Quota:
    """All limits of a connection."""

    key: str
    limits: tuple[LimitUse, ...]
    metered: bool
    """False while Redis is away and calls go one by one."""


class Given(Protocol):
    """The durable side."""

    async def given(self, ticket: Ticket) -> tuple[int, bool]: ...

    async def days(self, limit_id: str, since: date) -> Mapping[date, int]: ...


class QuotaReader:
    """Reads what the budgets keep; changes nothing."""

    def __init__(self, meter: Meter, floors: Given, clock: Clock) -> None:
        self._meter = meter
        self._floors = floors
        self._clock = clock

    async def read(self, limits: tuple[Limit, ...]) -> Quota:
        """The quota of whoever shares these limits."""
        now = self._clock.now()
        current = {one.limit.name: one for one in metered(limits, now)}
        readings = [(one, await self._reading(one)) for one in current.values()]
        uses = [await self._use(one, reading) for one, reading in readings]
        return Quota(limits[0].key if limits else "", tuple(uses), all(reading for _, reading in readings))

    async def _reading(self, one: Metered) -> Reading | None:
        try:
            return await self._meter.read(one)
        except RedisError:
            return None

    async def _use(self, one: Metered, reading: Reading | None) -> LimitUse:
        used, exhausted = (reading.used if reading else None), False
        if one.day is not None:
            granted, exhausted = await self._floors.given(ticket(one, self._clock.now()))
            used = granted - (reading.left if reading else 0)
        limit = one.limit
        if reading is not None and (bucket := reading.bucket) is not None:
            # The size that the vendor has told.
            limit = replace(limit, count=bucket.most, window=timedelta(seconds=bucket.window_s))
            used = limit.ours - min(bucket.left, limit.ours)
        return LimitUse(
            name=limit.name,
            shape=limit.shape,
            count=limit.count,
            reserved=limit.reserved,
            ours=limit.ours,
            kept_for_live=limit.kept,
            window_s=limit.window.total_seconds(),
            used=used,
            in_flight=_in_flight(one, reading),
            waiting=reading.waiting if reading else None,
            resets_at=_resets_at(one.limit, one.day),
            paused_until=reading.paused_until if reading else None,
            exhausted=exhausted,
            forecast=await foretold(self._floors, one, used or 0, self._clock.now()),
        )


async def foretold(floors: Given, one: Metered, used: int, now: datetime) -> int | None:
    """What a month will have come to; None of any other limit."""
    if one.day is None or one.limit.shape != "monthly":
        return None
    taken = await floors.days(ticket(one, now).limit_id, (now - month_forecast.KNOWN).date())
    return month_forecast.at_its_end(used, taken, now, day_ends(one.limit, one.day), one.limit.resets_zone)


def _in_flight(one: Metered, reading: Reading | None) -> int | None:
    if reading is None or one.day is not None:
        return None
    return reading.used if one.limit.shape in ("concurrency", "points") else reading.in_flight


def _resets_at(limit: Limit, day: date | None) -> datetime | None:
    return day_ends(limit, day) if day is not None else None
