"""How long so many calls will take by the limits of their vendor, as the meters stand now: what a progress bar can know of a quota."""

from __future__ import annotations

import heapq
import math
import statistics
from collections.abc import Sequence
from itertools import pairwise

from redis.exceptions import RedisError

from common.http.meter import FASTER, LAST_PLACES, Bucket, Meter, Metered
from common.http.profile import Limit

_OF_TIME = ("rolling", "points")
# Of more than that the windows before say enough.
PLAYED = 5000
# Fewer gaps between calls say nothing of our own pace.
SHOWS = 10


class Forecast:
    """Reads what the meters keep; changes nothing."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    async def seconds(self, limits: Sequence[Limit], calls: int) -> float | None:
        """Until the last of so many calls in no hurry may go, one after the other; None while the meters are away."""
        try:
            return max([await self._of(limit, calls) for limit in limits if limit.shape in _OF_TIME], default=0.0)
        except RedisError:
            return None

    async def _of(self, limit: Limit, calls: int) -> float:
        if limit.shape == "points":
            return _until_filled((await self._meter.read(Metered(limit))).bucket, limit, calls)
        free = await self._meter.free_in_s(Metered(limit))
        return last_of(free, calls, limit.ours, limit.window.total_seconds())


def _until_filled(bucket: Bucket | None, limit: Limit, calls: int) -> float:
    """The seconds until the bucket will have held what so many calls take."""
    if bucket is None:
        return 0.0
    lacking = calls * bucket.usual + bucket.most * limit.kept_for_live - bucket.left
    return max(0.0, lacking * bucket.window_s / bucket.most)


def own_pace(free: Sequence[float]) -> float:
    """The seconds that we ourselves take from one call to the next, by when the places of the last window were taken.

    Where we are faster than the limit these are the gaps that it leaves, which hold nobody up twice: they are no longer than places take to
    come free. Where we are slower, they are what there is to wait for, and places that are free help nobody. Half of them are shorter, so that
    a pause is none of them.
    """
    gaps = [later - one for one, later in pairwise(sorted(free))]
    return statistics.median(gaps) if len(gaps) >= SHOWS else 0.0


def last_of(free: Sequence[float], calls: int, ours: int, window: float) -> float:
    """The seconds until the last of so many calls may go, where places come free in so many seconds: the rules of `lua/acquire.lua`, and our own
    pace where that is slower."""
    taken, now, before = sorted(free), 0.0, 0.0
    pace, last_places, own = window / ours / FASTER, math.ceil(ours / LAST_PLACES), own_pace(free)
    for _ in range(min(calls, PLAYED)):
        now = before + own
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
    return now + max(0, calls - PLAYED) * max(window / ours, own)
