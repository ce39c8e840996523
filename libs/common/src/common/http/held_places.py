"""The places of this process's calls in progress: its heartbeat keeps them, and gives them back to a server that lost its memory.

Who dies beats no more, and its places are free some seconds later, not after the longest that its calls might have taken. That a vendor
may still be busy with such a call is no reason to wait: unlike a call that timed out, it was an ordinary one, and its connection is closed.

While Redis is away the same is told to PostgreSQL, as numbers, so that calls by turns come on top of nothing.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple, Protocol

import structlog
from redis.exceptions import RedisError

from common.http.meter import Ending, HeldPlace, Meter, Metered
from common.http.profile import PointsTold
from common.state.trouble import DATABASE_ERRORS, is_away

BEAT_S = 1.0
CLOSES_S = 1.0

_log = structlog.get_logger(__name__)


class EndedCall(NamedTuple):
    """A call that is over."""

    slot: str
    limits: tuple[Metered, ...]
    how: Ending
    told: PointsTold | None = None

    def without_days(self) -> EndedCall:
        """To be told once more: a number of a day that was not used must not be given back twice."""
        return self._replace(limits=tuple(one for one in self.limits if one.day is None))


class Elsewhere(Protocol):
    """Where calls in progress are told while Redis is away."""

    async def in_progress(self, process: str, calls: Mapping[str, int]) -> None: ...


class _Held(NamedTuple):
    places: tuple[HeldPlace, ...]
    at_once: tuple[str, ...]
    """Its limits of calls at once."""


class HeldPlaces:
    """Those of one process."""

    def __init__(self, meter: Meter, elsewhere: Elsewhere, process: str, beat_s: float = BEAT_S) -> None:
        self._meter = meter
        self._elsewhere = elsewhere
        self._process = process
        self._beat_s = beat_s
        self._held: dict[str, _Held] = {}
        self._telling = 0
        self._to_end_again: list[EndedCall] = []
        self._told_elsewhere: set[str] = set()
        self._heart: asyncio.Task[None] | None = None

    def hold(self, slot: str, limits: tuple[Metered, ...], hold_s: float) -> None:
        """A call begins; the first one starts the heart."""
        at_once = tuple(one.id for one in limits if one.limit.shape == "concurrency")
        self._held[slot] = _Held(self._meter.places(slot, limits, hold_s), at_once)
        if self._heart is None or self._heart.done():
            self._heart = asyncio.create_task(self._beat(), name="budget-heart")

    def end(self, ended: EndedCall) -> None:
        """A call is over."""
        self._held.pop(ended.slot, None)
        if self._telling:
            # A beat that is served after the ending would hold the place for nothing.
            self._to_end_again.append(ended.without_days())

    async def aclose(self) -> None:
        """Nothing is kept any more, and no beat is under way: whoever closes the client of the meters next breaks none off."""
        # The client passes over a cancellation that comes at the end of a send; the heart then finds nothing to beat for.
        self._held, self._to_end_again, self._told_elsewhere = {}, [], set()
        if self._heart is not None:
            self._heart.cancel()
            await asyncio.wait([self._heart], timeout=CLOSES_S)

    async def tell(self) -> None:
        """What goes on, to meters that may not know it; raises a `RedisError`."""
        self._telling += 1
        try:
            await self._meter.beat(self._process, [place for one in self._held.values() for place in one.places])
        finally:
            self._telling -= 1
        # What was told elsewhere is not true there for long.
        self._told_elsewhere = set()

    async def _beat(self) -> None:
        while self._held or self._to_end_again or self._told_elsewhere:
            await asyncio.sleep(self._beat_s)
            try:
                await self.tell()
                await self._end_again()
            except RedisError as error:
                _log.debug("budget.beat_not_told", error=type(error).__name__)
                await self._tell_elsewhere()

    async def _tell_elsewhere(self) -> None:
        """No turn is given while these calls have all places; what is over is told once."""
        calls = Counter(limit for one in self._held.values() for limit in one.at_once)
        told = {**dict.fromkeys(self._told_elsewhere, 0), **calls}
        if not told:
            return
        try:
            await self._elsewhere.in_progress(self._process, told)
        except DATABASE_ERRORS as error:
            if not is_away(error):
                raise
            _log.debug("budget.beat_not_told", error=type(error).__name__)
        else:
            self._told_elsewhere = set(calls)

    async def _end_again(self) -> None:
        while self._to_end_again:
            await self._meter.release(*self._to_end_again[-1])
            self._to_end_again.pop()
