"""Limits by method, each with a lock of its own: whoever breaks one finds that method closed, and the others open (sheet, section 3)."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.limits import Window, window_mode
from sandbox.zoho_campaigns.switches import Switches

SUBSCRIBE, BULK, COMMON, FIELDS = "subscribe", "bulk", "common", "fields"
MINUTE, HOUR, DAY, FIVE_MINUTES = 60, 3_600, 86_400, 300


def numbers_of(kind: str, switches: Switches) -> tuple[tuple[tuple[int, int], ...], int]:
    """The windows of a kind of method (calls, seconds), and for how long its lock holds."""
    if kind == SUBSCRIBE:
        three = (
            (switches.subscribe_minute, MINUTE),
            (switches.subscribe_hour, HOUR),
            (switches.subscribe_day, DAY),
        )
        return three, switches.lock_s
    if kind == BULK:
        return ((switches.bulk_minute, MINUTE),), switches.bulk_lock_s
    calls = switches.fields_five_minutes if kind == FIELDS else switches.five_minutes
    return ((calls, FIVE_MINUTES),), switches.lock_s


@dataclass(slots=True)
class Lane:
    """The calls of one method."""

    windows: list[Window] = field(default_factory=list)
    locked_until: float = 0.0
    breaches: int = 0  # calls that closed it
    refused: int = 0  # calls while it was closed

    def take(self, kind: str, switches: Switches, now: float) -> bool:
        """Count a call; False when the method is closed, or this call closes it."""
        limits, lock_s = numbers_of(kind, switches)
        if now < self.locked_until <= now + max(lock_s, DAY):  # a lock of a clock that was set back counts for nothing
            self.refused += 1
            if switches.lock_prolongs:
                self.locked_until = max(self.locked_until, now + lock_s)
            return False
        self._tune(limits, switches)
        if any(window.used(now) >= window.limit for window in self.windows):
            self.breaches += 1
            self.locked_until = now + lock_s
            return False
        for window in self.windows:
            window.count(now)
        return True

    def _tune(self, limits: tuple[tuple[int, int], ...], switches: Switches) -> None:
        self.windows += [Window(calls, seconds) for calls, seconds in limits[len(self.windows) :]]
        for window, (calls, _) in zip(self.windows, limits, strict=True):
            window.limit, window.mode = calls, window_mode(switches.window)

    def document(self, now: float) -> dict[str, object]:
        return {
            "calls": [{"seconds": int(one.seconds), "used": one.used(now)} for one in self.windows],
            "locked_for_s": max(0, round(self.locked_until - now)), "breaches": self.breaches, "refused_while_locked": self.refused,
        }  # fmt: skip
