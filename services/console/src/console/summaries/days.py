"""Days as people in a time zone have them, and when each is told of: pure.

A day is from its first instant to the next day's first; it has 23 or 25 hours where clocks are changed, and no instant is in two days or in
none. It is told of at the chosen hour of the day after, and never before it is over by `SETTLED`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from common.cron import Cron

SETTLED = timedelta(minutes=5)
"""By then every transaction is committed that has written of the day's last moment."""
MOST_MADE_UP = 7
"""Days that are told of afterwards, when nothing ran at their hour; who was away for longer finds earlier ones by asking."""
_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Day:
    """One local day: the instants from `begins_at` up to and without `ends_at`."""

    date: date
    zone: str
    begins_at: datetime
    ends_at: datetime

    @property
    def hours(self) -> float:
        return (self.ends_at - self.begins_at) / timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Wanted:
    """When people want to be told: `at` is a local hour such as 07:00."""

    at: str
    zone: str
    first_day: date


def day_of(day: date, zone: str) -> Day:
    """A date in a time zone."""
    return Day(day, zone, _first_instant(day, zone), _first_instant(day + _A_DAY, zone))


def date_at(moment: datetime, zone: str) -> date:
    """The local date of a moment."""
    return moment.astimezone(ZoneInfo(zone)).date()


def told_at(day: Day, at: str) -> datetime:
    """When it is told of: the hour's first time on the day after, at the end of a gap that it falls into."""
    hour = time.fromisoformat(at)
    cron = Cron(f"{hour.minute} {hour.hour} * * *", day.zone)
    return max(cron.after(day.ends_at - timedelta(microseconds=1)), day.ends_at + SETTLED)


def due(wanted: Wanted, made: frozenset[date], now: datetime) -> Sequence[Day]:
    """Which days are to be told of now, the oldest first: each once, and those whose hour was missed too."""
    yesterday = date_at(now, wanted.zone) - _A_DAY
    days = (day_of(yesterday - _A_DAY * back, wanted.zone) for back in range(MOST_MADE_UP, -1, -1))
    return [day for day in days if _is_due(day, wanted, made, now)]


def next_at(wanted: Wanted, made: frozenset[date], now: datetime) -> datetime:
    """When people hear next."""
    day = max(date_at(now, wanted.zone) - _A_DAY, wanted.first_day)
    while day in made:
        day += _A_DAY
    return told_at(day_of(day, wanted.zone), wanted.at)


def _is_due(day: Day, wanted: Wanted, made: frozenset[date], now: datetime) -> bool:
    return day.date >= wanted.first_day and day.date not in made and told_at(day, wanted.at) <= now


def _first_instant(day: date, zone: str) -> datetime:
    # At a gap the earlier offset names the very moment at which clocks are put forward; of two midnights the first one counts.
    return datetime.combine(day, time.min, ZoneInfo(zone)).astimezone(UTC)
