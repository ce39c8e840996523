"""Meters that are exact to the call: windows (fixed and rolling), days, and calls in progress.

Times are seconds of the sandbox's clock. A refused call is not counted unless the vendor says otherwise.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Literal

Mode = Literal["fixed", "rolling"]


def window_mode(value: object) -> Mode:
    """The mode an operator named; raises ValueError for any other word."""
    if value == "fixed":
        return "fixed"
    if value == "rolling":
        return "rolling"
    raise ValueError(f"window mode is 'fixed' or 'rolling', not {value!r}")


@dataclass(slots=True)
class Window:
    """At most `limit` calls in `seconds`: by the calendar (fixed) or over the last ones (rolling)."""

    limit: int
    seconds: float = 60.0
    mode: Mode = "fixed"
    _calls: deque[float] = field(default_factory=deque)

    def take(self, now: float) -> bool:
        """Count one call if there is room."""
        if self.used(now) >= self.limit:
            return False
        self._calls.append(now)
        return True

    def count(self, now: float) -> None:
        """Count a call whether there is room or not."""
        self._calls.append(now)

    def used(self, now: float) -> int:
        self._forget(now)
        return len(self._calls)

    def clear(self) -> None:
        self._calls.clear()

    def _forget(self, now: float) -> None:
        oldest = now - self.seconds if self.mode == "rolling" else now - now % self.seconds
        calls = self._calls
        if self.mode == "rolling":
            while calls and calls[0] <= oldest:
                calls.popleft()
        else:
            while calls and calls[0] < oldest:
                calls.popleft()
        while calls and calls[-1] > now:  # the clock was set back
            calls.pop()


@dataclass(slots=True)
class DayMeter:
    """At most `limit` calls in a day, whose boundary lies `offset_s` before UTC's (an organisation's midnight)."""

    limit: int
    offset_s: float = 0.0
    _day: int = -1
    _used: int = 0

    def take(self, now: float) -> bool:
        if self.used(now) >= self.limit:
            return False
        self._used += 1
        return True

    def used(self, now: float) -> int:
        day = int((now + self.offset_s) // 86_400)
        if day != self._day:
            self._day, self._used = day, 0
        return self._used

    def clear(self) -> None:
        self._day, self._used = -1, 0


@dataclass(slots=True)
class Concurrency:
    """At most `limit` calls in progress."""

    limit: int
    used: int = 0

    def enter(self) -> bool:
        if self.used >= self.limit:
            return False
        self.used += 1
        return True

    def leave(self) -> None:
        if self.used <= 0:
            raise RuntimeError("a place was freed twice")
        self.used -= 1
