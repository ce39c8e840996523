"""Moments by a cron expression in a time zone, as people write them: `30 6 * * 1-5`, Europe/Madrid.

On the day of 23 hours what falls into the hour that is not there comes at its end; on the day of 25 hours what falls into the hour that is there
twice comes once, the first time. An expression that begins with stars (every so many minutes, each hour) counts real time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

EXAMPLE = "30 6 * * 1-5"
LONGEST = 200
_FIELDS = 5


@dataclass(frozen=True, slots=True)
class Cron:
    """The moments that an expression names; one that somebody has checked with `mistake`."""

    expression: str
    zone: str = "UTC"

    def after(self, moment: datetime) -> datetime:
        """The first of them behind this one."""
        # In the second of two equal hours it goes on from the first of them: what is named there is over.
        moments = CronSim(self.expression, moment.astimezone(ZoneInfo(self.zone)))
        return next(utc for utc in (found.astimezone(UTC) for found in moments) if utc > moment)

    def __str__(self) -> str:
        return f"{self.expression} {self.zone}"


def mistake(expression: object) -> str:
    """What is wrong with an expression; empty when nothing is."""
    if not isinstance(expression, str) or len(expression) > LONGEST or len(expression.split()) != _FIELDS:
        return "it has not five fields"
    try:
        next(CronSim(expression, datetime(2000, 1, 1, tzinfo=UTC)))
    except CronSimError as error:
        return str(error).lower()
    except (AssertionError, StopIteration):
        return "it names no moment"
    return ""


def is_zone(name: object) -> bool:
    """Whether that is a time zone, by its name."""
    try:
        return isinstance(name, str) and bool(ZoneInfo(name).key)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
