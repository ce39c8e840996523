"""How long so many calls will take by the limits of their vendor, as the meters stand now: what a progress bar can know of a quota."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence

from redis.exceptions import RedisError

from common.http.meter import FASTER, LAST_PLACES, Meter, Metered
from common.http.profile import Limit

# Of more than that the windows before say enough.
PLAYED = 5000


class Forecast:
    """Reads what the meters keep; changes nothing."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    async def seconds(self, limits: Sequence[Limit], calls: int) -> float | None:
        """Until the last of so many calls in no hurry may go, one after the other; None while the meters are away."""
        try:
            return max([await self._of(limit, calls) for limit in limits if limit.shape == "rolling"], default=0.0)
        except RedisError:
            return None

    async def _of(self, limit: Limit, calls: int) -> float:
        free = await self._meter.free_in_s(Metered(limit))
        return last_of(free, calls, limit.ours, limit.window.total_seconds())


def last_of(free: Sequence[float], calls: int, ours: int, window: float) -> float:
    """The seconds until the last of so many calls may go, where places come free in so many seconds: the rules of `lua/acquire.lua`."""
    taken, now, before = sorted(free), 0.0, 0.0
    pace, last_places = window / ours / FASTER, math.ceil(ours / LAST_PLACES)
    for _ in range(min(calls, PLAYED)):
        while taken and taken[0] <= now:
            heapq.heappop(taken)
        if len(taken) * 2 >= ours:
            now = max(now, before + pace)
        if len(taken) >= ours:
            now = max(now, heapq.heappop(taken))
        elif (room := ours - len(taken)) <= last_places and taken:
            now = max(now, before + (taken[0] - before) / (room + 1))
        heapq.heappush(taken, now + window)
        before = now
    return now + max(0, calls - PLAYED) * window / ours
