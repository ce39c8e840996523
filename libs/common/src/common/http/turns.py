"""Without Redis: one call at a time for all processes together, by turns in PostgreSQL, and slowly.

Of a window nobody can know then how much of ours others have used, so the turns are a trickle out of the reserve: together with everything
that was counted before, the vendor's limit still holds. Of calls at once nothing is taken out of the reserve: who has some says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from common.clock import Clock
from common.http.floor import ticket
from common.http.meter import Ending, Metered
from common.state.budget_floors import Ticket
from common.state.budget_turns import ASKED_AGAIN, Pace


class TurnStore(Protocol):
    """The durable side."""

    async def take_turn(
        self, paces: Sequence[Pace], tickets: Sequence[Ticket], now: datetime, behind: int
    ) -> datetime | None: ...

    async def end_turn(self, free: Mapping[str, datetime]) -> None: ...

    async def in_progress(self, process: str, calls: Mapping[str, int], now: datetime) -> None: ...


class Turns:
    """Takes and ends turns."""

    def __init__(self, store: TurnStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def take(self, limits: Sequence[Metered], hold: timedelta, rank: int, cost: int = 1) -> datetime | None:
        """None when the call may go now, else when to ask again; raises `DayUsedUp`."""
        tickets = [ticket(one, self._clock.now()) for one in limits if one.day is not None]
        paces = [_pace(one, hold, cost) for one in limits if one.day is None]
        return await self._store.take_turn(paces, tickets, self._clock.now(), rank)

    async def end(self, limits: Sequence[Metered], how: Ending, cost: int = 1) -> None:
        """The call is over, and took so many points."""
        now = self._clock.now()
        await self._store.end_turn({one.id: _free(one, how, now, cost) for one in limits if one.day is None})

    async def in_progress(self, process: str, calls: Mapping[str, int]) -> None:
        """What this process has in progress of limits of calls at once."""
        await self._store.in_progress(process, calls, self._clock.now())


def _pace(one: Metered, hold: timedelta, cost: int) -> Pace:
    at_once = one.limit.ours if one.limit.shape == "concurrency" else None
    return Pace(one.id, hold, _spacing(one, cost), one.limit.lingers, at_once)


def _free(one: Metered, how: Ending, now: datetime, cost: int) -> datetime:
    if how == "unused":
        return now
    # What nobody saw the end of may keep the vendor busy for a while yet.
    return now + _spacing(one, cost) + (one.limit.lingers if how == "unanswered" else timedelta(0))


def _spacing(one: Metered, cost: int) -> timedelta:
    # So long at least that all who wait have asked meanwhile, in whatever process: the most urgent of them is the first then.
    if one.limit.shape == "concurrency":
        return ASKED_AGAIN
    if one.limit.shape == "points":
        # Half of what comes back: whoever still has the meters sees in the next answer what was taken, and leaves the reserve full again.
        return max(ASKED_AGAIN, 2 * cost * one.limit.window / one.limit.count)
    # No reserve, no trickle: then a whole window lies between two calls, and the first waits for one.
    return max(ASKED_AGAIN, one.limit.window / max(1, one.limit.spare))
