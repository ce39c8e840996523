"""Between Redis, which may forget, and PostgreSQL, which does not: what a limit needs before it can be counted.

A limit that Redis does not know may have been used until a moment ago: it counts as full once, for a window from when it may last
have been used. Calls of a day are numbered in PostgreSQL in blocks, ahead of their use, so no loss can make the day longer.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from common.clock import Clock
from common.http.meter import Meter, Metered
from common.http.profile import Limit
from common.state.budget_floors import Block, Ticket

ACTIVE = timedelta(seconds=15)
"""Use is announced so far ahead: one statement per limit in this time, whatever the number of calls and processes."""
# Around midnight a call counts for both days: whose clock is right is not known to the second.
SKEW = timedelta(seconds=5)
ASKED_AGAIN = timedelta(hours=1)
_MARGIN = timedelta(seconds=1)
_ALL_HAVE_BEATEN = timedelta(seconds=5)
_LOCK_MS = 3000


class Floors(Protocol):
    """The durable side."""

    async def active(self, limit_id: str, until: datetime) -> datetime | None: ...

    async def take(self, ticket: Ticket, wanted: int) -> Block: ...


class Floor:
    """Gives Redis what it lacks."""

    def __init__(self, meter: Meter, floors: Floors, clock: Clock) -> None:
        self._meter = meter
        self._floors = floors
        self._clock = clock

    async def restore(self, one: Metered, hold: timedelta) -> bool:
        """After a loss of memory, or the first use ever. False: somebody else is at it."""
        if not await self._meter.lock(one, _LOCK_MS):
            return False
        now = self._clock.now()
        if one.day is not None:
            await self._meter.restore(one, now, None)
        else:
            known = await self._floors.active(one.id, now + ACTIVE)
            await self._meter.restore(one, now + ACTIVE, self._full_until(one, known, now, hold))
        await self._meter.unlock(one)
        return True

    async def announce(self, one: Metered) -> None:
        """The limit goes on being used."""
        until = self._clock.now() + ACTIVE
        await self._floors.active(one.id, until)
        await self._meter.active(one, until)

    async def refill(self, one: Metered) -> bool | None:
        """The next block of a day. False: somebody else is at it. None: nothing is left."""
        if not await self._meter.lock(one, _LOCK_MS):
            return False
        block = await self._floors.take(ticket(one, self._clock.now()), max(one.limit.weight, _block(one.limit)))
        if block.taken:
            await self._meter.give(one, block.taken, block.rest)
        await self._meter.unlock(one)
        return True if block.taken else None

    async def count_anew(self, one: Metered) -> bool:
        """What is left of a day by another cap than before. False: somebody else is at it."""
        if not await self._meter.lock(one, _LOCK_MS):
            return False
        block = await self._floors.take(ticket(one, self._clock.now()), 0)
        await self._meter.give(one, 0, block.rest)
        await self._meter.unlock(one)
        return True

    def _full_until(self, one: Metered, known: datetime | None, now: datetime, hold: timedelta) -> datetime | None:
        if known is None:
            return None
        if one.limit.shape == "points":
            # Nothing was ever let go that the bucket did not hold: at the end of its use it was empty, and paid for all in progress.
            return min(now, known)
        if one.limit.shape == "concurrency":
            # Whoever lives and has calls in progress says so with its next beats; the calls of all others are over.
            return now + min(hold, _ALL_HAVE_BEATEN) if known + hold > now else None
        return min(now, known) + one.limit.window + _MARGIN


def metered(limits: tuple[Limit, ...], now: datetime) -> tuple[Metered, ...]:
    """The limits as they are counted at this moment."""
    found: list[Metered] = []
    for limit in limits:
        if limit.by_calendar:
            found += [Metered(limit, day) for day in days(limit, now)]
        else:
            found.append(Metered(limit))
    return tuple(found)


def days(limit: Limit, now: datetime) -> list[date]:
    """The day it is for the vendor, around midnight both; of a month its first."""
    zone = ZoneInfo(limit.resets_zone)
    dates = {(now - SKEW).astimezone(zone).date(), (now + SKEW).astimezone(zone).date()}
    return sorted({one.replace(day=1) for one in dates} if limit.shape == "monthly" else dates)


def day_ends(limit: Limit, day: date) -> datetime:
    """When calls count for the next day, or month, alone."""
    following = (day + timedelta(days=32)).replace(day=1) if limit.shape == "monthly" else day + timedelta(days=1)
    midnight = datetime(following.year, following.month, following.day, tzinfo=ZoneInfo(limit.resets_zone))
    return midnight + SKEW


def opens(one: Metered, now: datetime) -> datetime:
    """When to ask again once nothing is left. Of a month sooner than its end: somebody may get more of it meanwhile, and asking costs no call."""
    if one.day is None:
        return now + one.limit.window
    ends = day_ends(one.limit, one.day)
    return min(ends, now + ASKED_AGAIN) if one.limit.shape == "monthly" else ends


def ticket(one: Metered, now: datetime) -> Ticket:
    """A day's row in PostgreSQL; of a month also the day of the use, from which its end is foretold."""
    if one.day is None:
        raise ValueError(f"{one.id} is no limit of a day")
    of = now.astimezone(ZoneInfo(one.limit.resets_zone)).date() if one.limit.shape == "monthly" else None
    return Ticket(f"{one.limit.key}:{one.limit.name}", one.day, one.limit.ours, one.limit.weight, of)


def _block(limit: Limit) -> int:
    # What a loss of memory may waste, at most; and calls per statement in PostgreSQL.
    return max(1, min(10 if limit.shape == "monthly" else 100, limit.ours // 100))
