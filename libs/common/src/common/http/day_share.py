"""A share of the calls of a day: for work that may take days, so that the rest of the day is left to everything else."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from common.http.floor import day_ends, days
from common.http.profile import Limit
from common.state.read_days import DayShare

READS_SHARE = 1 / 3
"""Of what is ours of a day, for reading one by one what a listing does not carry."""


def reads_share(limits: Iterable[Limit], now: datetime) -> DayShare | None:
    """Under the narrowest limit that counts by days; None where none does."""
    daily = min((one for one in limits if one.shape == "daily"), key=lambda one: one.ours, default=None)
    if daily is None:
        return None
    day = days(daily, now)[-1]
    return DayShare(f"{daily.key}:{daily.name}", day, max(1, int(daily.ours * READS_SHARE)), day_ends(daily, day))


def reads_take_s(reads: int, limits: Iterable[Limit], now: datetime) -> float:
    """About how long so many reads take, if nothing else is called: by the day's share, or by the minute where that is enough."""
    known = tuple(limits)
    share = reads_share(known, now)
    if share is not None and reads > share.calls:
        return (-(-reads // share.calls) - 1) * 86_400.0
    return calls_take_s(reads, known)


def calls_take_s(calls: int, limits: Iterable[Limit]) -> float:
    """At the pace of the narrowest window; 0.0 where only the calls at once are limited."""
    slowest = min((one.ours / one.usual / one.window.total_seconds() for one in limits if one.window), default=None)
    return calls / slowest if slowest else 0.0
