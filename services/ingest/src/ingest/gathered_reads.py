"""Reads of connections where calls are dear: what comes soon after a turn is gathered for the next one.

Whoever comes alone is read at once. Of a burst the first is, and what follows stands in the table until half a second is over; then as many
go into a call as it shows. A turn that was full is followed at once: what is left behind it is gathered already.
"""

from __future__ import annotations

from datetime import timedelta

from common.state.read_requests import Turn


class GatheredReads:
    """Which connections rest after a turn, by this process's own clock: another one reads for itself, and at most so often."""

    def __init__(self) -> None:
        self._until: dict[Turn, float] = {}

    def ended(self, whose: Turn, within: timedelta, now: float, *, full: bool) -> float:
        """A turn is over; returns in how many seconds the next one may begin."""
        seconds = 0.0 if full else within.total_seconds()
        if seconds:
            self._until[whose] = now + seconds
        return seconds

    def resting(self, now: float) -> list[Turn]:
        """Of whom nothing is read yet."""
        self._until = {whose: until for whose, until in self._until.items() if until > now}
        return list(self._until)
