"""The places of this process's calls in progress: its heartbeat keeps them, and gives them back to a server that lost its memory.

Who dies beats no more, and its places are free some seconds later, not after the longest that its calls might have taken. That a vendor
may still be busy with such a call is no reason to wait: unlike a call that timed out, it was an ordinary one, and its connection is closed.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple

import structlog
from redis.exceptions import RedisError

from common.http.meter import Ending, HeldPlace, Meter, Metered

BEAT_S = 1.0

_log = structlog.get_logger(__name__)


class EndedCall(NamedTuple):
    """A call that is over."""

    slot: str
    limits: tuple[Metered, ...]
    how: Ending


class HeldPlaces:
    """Those of one process."""

    def __init__(self, meter: Meter, process: str, beat_s: float = BEAT_S) -> None:
        self._meter = meter
        self._process = process
        self._beat_s = beat_s
        self._held: dict[str, tuple[HeldPlace, ...]] = {}
        self._telling = False
        self._to_end_again: list[EndedCall] = []
        self._heart: asyncio.Task[None] | None = None

    def hold(self, slot: str, limits: tuple[Metered, ...], hold_s: float) -> None:
        """A call begins; the first one starts the heart."""
        self._held[slot] = self._meter.places(slot, limits, hold_s)
        if self._heart is None or self._heart.done():
            self._heart = asyncio.create_task(self._beat(), name="budget-heart")

    def end(self, ended: EndedCall) -> None:
        """A call is over."""
        self._held.pop(ended.slot, None)
        if self._telling:
            # A beat that is served after the ending would hold the place for nothing.
            self._to_end_again.append(ended)

    def close(self) -> None:
        """Nothing is kept any more."""
        if self._heart is not None:
            self._heart.cancel()

    async def _beat(self) -> None:
        while self._held or self._to_end_again:
            await asyncio.sleep(self._beat_s)
            try:
                await self._tell()
                await self._end_again()
            except RedisError as error:
                _log.debug("budget.beat_not_told", error=type(error).__name__)

    async def _tell(self) -> None:
        self._telling = True
        try:
            await self._meter.beat(self._process, [place for places in self._held.values() for place in places])
        finally:
            self._telling = False

    async def _end_again(self) -> None:
        while self._to_end_again:
            await self._meter.release(*self._to_end_again[-1])
            self._to_end_again.pop()
