"""Without Redis: one call at a time for all processes together, by turns in PostgreSQL, and slowly.

Nobody can know then how much of ours others have used, so the turns are a trickle out of the reserve: together with everything that
was counted before, the vendor's limit still holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from common.clock import Clock
from common.http.floor import ticket
from common.http.meter import Metered
from common.state.budget_floors import Pace, Ticket

_AT_LEAST = timedelta(milliseconds=50)


class TurnStore(Protocol):
    """The durable side."""

    async def take_turn(
        self, paces: Sequence[Pace], tickets: Sequence[Ticket], now: datetime, behind: int
    ) -> datetime | None: ...

    async def end_turn(self, paces: Sequence[Pace], now: datetime, *, used: bool) -> None: ...


class Turns:
    """Takes and ends turns."""

    def __init__(self, store: TurnStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def take(self, limits: Sequence[Metered], hold: timedelta, rank: int) -> datetime | None:
        """None when the call may go now, else when to ask again; raises `DayUsedUp`."""
        tickets = [ticket(one) for one in limits if one.day is not None]
        return await self._store.take_turn(_paces(limits, hold), tickets, self._clock.now(), rank)

    async def end(self, limits: Sequence[Metered], hold: timedelta, *, used: bool) -> None:
        """The call is over."""
        await self._store.end_turn(_paces(limits, hold), self._clock.now(), used=used)


def _paces(limits: Sequence[Metered], hold: timedelta) -> list[Pace]:
    return [Pace(one.id, hold, _spacing(one)) for one in limits if one.day is None]


def _spacing(one: Metered) -> timedelta:
    if one.limit.shape == "concurrency":
        return _AT_LEAST
    # No reserve, no trickle: then a whole window lies between two calls, and the first waits for one.
    return max(_AT_LEAST, one.limit.window / max(1, one.limit.spare))
