"""A loop of a service: the same step again and again with a pause between, until the service stops; what is away is waited for.

The database, a broker or a vendor that is away makes the pauses longer, with jitter, and nothing else: the next step finds what this
one left. Everything else is raised, because nobody can wait it out. A loop whose steps have failed for long says so in `/readyz`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

import structlog

from common.clock import monotonic
from common.failures import Failure
from common.health import NotReady
from common.redaction import redact_text
from common.state.trouble import is_away

Step = Callable[[], Awaitable[bool | None]]
"""One turn; True means that there is more to do now."""

# Short enough that nobody waits long for a database that is back, long enough that it can come back.
LONGEST_S = 10.0
# A restart of the database is nobody's business; a minute without one is.
LONG_S = 60.0
# What had nothing to do for so long has seldom something to do.
CALM_AFTER_S = 20.0

_log = structlog.get_logger(__name__)


class Loop:
    """One loop: its step, its pauses, how it stands."""

    def __init__(
        self,
        name: str,
        every_s: float,
        step: Step,
        *,
        woken: asyncio.Event | None = None,
        long_s: float = LONG_S,
        longest_s: float = LONGEST_S,
        calm_s: float = 0.0,
        calm_after_s: float = CALM_AFTER_S,
    ) -> None:
        """`woken` ends a pause early, unless something is away; no pause is longer than `longest_s` then. `calm_s` is the pause of a
        loop that had nothing to do for a while: what it finds, what wakes it and what was away ends that."""
        self._name = name
        self._every_s = every_s
        self._step = step
        self._woken = woken or asyncio.Event()
        self._long_s = long_s
        self._longest_s = longest_s
        self._calm_s = max(calm_s, every_s)
        self._calm_after_s = calm_after_s
        self._busy = monotonic()
        self._failures = 0
        self._since = 0.0
        self._reason = ""

    async def run(self, stopping: asyncio.Event) -> None:
        """Until the service stops; raises what cannot be waited out."""
        while not stopping.is_set():
            if self._woken.is_set():
                self._busy = monotonic()
            self._woken.clear()
            try:
                more = await self._step()
            except Exception as error:
                # A Failure tells of a broker or a vendor, which is waited for like the database.
                if not is_away(error) and not isinstance(error, Failure):
                    raise
                await until_set(stopping, within=self._failed(error))
            else:
                self._succeeded()
                if more:
                    self._busy = monotonic()
                else:
                    await until_set(stopping, self._woken, within=self._pause())

    async def look(self) -> str | None:
        """For `/readyz`: what it waits for; raises when it has waited for long."""
        if not self._failures:
            return None
        waited_s = monotonic() - self._since
        words = f"has waited for {waited_s:.0f} s, {self._failures} tries: {self._reason}"
        if waited_s >= self._long_s:
            raise NotReady(words)
        return words

    def _pause(self) -> float:
        calm = monotonic() - self._busy >= self._calm_after_s
        return (self._calm_s if calm else self._every_s) * random.uniform(0.9, 1.0)  # noqa: S311

    def _failed(self, error: Exception) -> float:
        """Returns how long to wait: full jitter over the upper half of a ceiling that doubles."""
        if not self._failures:
            self._since = monotonic()
        ceiling = min(self._longest_s, self._every_s * 2.0 ** min(self._failures, 10))
        seconds = random.uniform(ceiling / 2, ceiling)  # noqa: S311
        self._failures += 1
        self._reason = redact_text(str(error) or type(error).__name__)[:300]
        _log.warning(
            "loop.waits", loop=self._name, reason=self._reason, tries=self._failures, seconds=round(seconds, 1)
        )
        return seconds

    def _succeeded(self) -> None:
        if self._failures:
            _log.info("loop.goes_on", loop=self._name, tries=self._failures)
            self._busy = monotonic()
        self._failures = 0


async def until_set(*events: asyncio.Event, within: float | None = None) -> None:
    """Returns when one of the events is set, or when the time is over."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, timeout=within, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
