"""Keeps a part of a service running: one that crashes is started again after a pause that grows, while its neighbours work on.

A part is what the service can live without for a while: a consumer, a reader, a renewer. What it cannot live without is a task of
`Runtime.spawn`, whose crash ends the process. A part that crashes at once for ever is tried once a minute in the end, and says so in
`/readyz`, in the log and in two metrics. SIGTERM ends a pause at once; a part that rests then is no crash of the service.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from common.clock import Clock
from common.health import Check, NotReady
from common.metric_register import PART_CRASHES, PART_DOWN
from common.metrics import Metrics
from common.redaction import redact_text

Work = Callable[[], Awaitable[None]]

_log = structlog.get_logger(__name__)


class EndedEarly(Exception):
    """A part returned although nobody had asked it to stop."""


@dataclass(frozen=True, slots=True)
class Rests:
    """How long a part rests after a crash: full jitter over a ceiling that doubles; a run as long as `steady_s` starts anew."""

    shortest_s: float = 1.0
    longest_s: float = 60.0
    steady_s: float = 60.0

    def seconds(self, crashes: int) -> float:
        """The rest after so many crashes in a row; never nothing, so that a part cannot spin."""
        ceiling = min(self.longest_s, self.shortest_s * 2 ** min(crashes, 16))
        return random.uniform(self.shortest_s / 2, ceiling)  # noqa: S311


class KeptPart:
    """One part: what it does, how it stands, when it is tried next."""

    def __init__(
        self,
        service: str,
        name: str,
        work: Work,
        *,
        clock: Clock,
        metrics: Metrics,
        look: Check | None = None,
        rests: Rests | None = None,
    ) -> None:
        """`look` tells how it stands while it runs, or raises with what it waits for."""
        self.name = name
        self._service = service
        self._work = work
        self._clock = clock
        self._metrics = metrics
        self._look = look
        self._rests = rests or Rests()
        self._crashes = 0
        self._reason = ""
        self._since: datetime | None = None
        self._next: datetime | None = None
        metrics.set(PART_DOWN, 0, service=service, part=name)

    async def keep(self, stopping: asyncio.Event) -> None:
        """Runs the work until the service stops, again and again if need be."""
        while not stopping.is_set():
            try:
                await self._run(stopping)
            except Exception as error:  # noqa: BLE001 - told, counted and tried again: its neighbours must not end with it
                await self._rest(error, stopping)

    async def look(self) -> str | None:
        """For `/readyz`: raises with what is wrong, since when and what happens next."""
        if self._next is not None:
            raise PartDown(f"{self._reason}; down since {_short(self._since)}, next try at {_short(self._next)}")
        detail = await self._look() if self._look is not None else None
        if self._since is not None:
            return f"started again after {self._crashes} crashes since {_short(self._since)}: {self._reason}"
        return detail

    async def _run(self, stopping: asyncio.Event) -> None:
        steady = asyncio.get_running_loop().call_later(self._rests.steady_s, self._recovered)
        try:
            await self._work()
        except asyncio.CancelledError as stray:
            # Somebody cancelled something inside the part. Passed on, it would end this task without a word.
            if (task := asyncio.current_task()) is None or task.cancelling():
                raise
            raise EndedEarly(f"{self.name} was cancelled from inside") from stray
        finally:
            steady.cancel()
        if not stopping.is_set():
            raise EndedEarly(f"{self.name} ended by itself")

    async def _rest(self, error: Exception, stopping: asyncio.Event) -> None:
        seconds = self._rests.seconds(self._crashes)
        self._down(error, seconds)
        _log.error(
            "service.part_crashed",
            part=self.name, crashes=self._crashes, next_try_s=round(seconds, 1), exc_info=error,
        )  # fmt: skip
        try:
            async with asyncio.timeout(seconds):
                await stopping.wait()
        except TimeoutError:
            self._next = None
            self._metrics.set(PART_DOWN, 0, service=self._service, part=self.name)

    def _down(self, error: Exception, seconds: float) -> None:
        now = self._clock.now()
        self._crashes += 1
        self._since = self._since or now
        self._next = now + timedelta(seconds=seconds)
        self._reason = redact_text(f"{type(error).__name__}: {error}")[:300]
        self._metrics.count(PART_CRASHES, service=self._service, part=self.name)
        self._metrics.set(PART_DOWN, 1, service=self._service, part=self.name)

    def _recovered(self) -> None:
        self._crashes, self._reason, self._since = 0, "", None


class PartDown(NotReady):
    """A part rests after a crash."""


def _short(at: datetime | None) -> str:
    return at.isoformat(timespec="seconds") if at is not None else "now"
