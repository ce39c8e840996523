"""Times as the vendor writes them: one-second resolution, the organisation's zone, an offset without colon."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d([+-]\d{4})\Z")


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@lru_cache(maxsize=4_096)
def stamp(at: int, zone_name: str) -> str:
    """ "2026-05-04T10:11:12+0200"."""
    return datetime.fromtimestamp(at, zone(zone_name)).strftime("%Y-%m-%dT%H:%M:%S%z")


def day_of(at: int, zone_name: str) -> str:
    return datetime.fromtimestamp(at, zone(zone_name)).date().isoformat()


def offset_s(at: int, zone_name: str) -> float:
    """How far the zone's midnight lies before UTC's."""
    offset = datetime.fromtimestamp(at, zone(zone_name)).utcoffset()
    return offset.total_seconds() if offset else 0.0


def seconds_of(text: str) -> int | None:
    """The instant of a stamp, None when it is none."""
    if not STAMP.match(text):
        return None
    try:
        return int(datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z").timestamp())
    except ValueError:
        return None


def plus_days(day: str, days: int) -> str:
    """A day so many days later; the last day there is when the calendar ends first."""
    try:
        return (date.fromisoformat(day) + timedelta(days=days)).isoformat()
    except OverflowError:
        return date.max.isoformat()


def days_between(first: str, second: str) -> int:
    return (date.fromisoformat(second) - date.fromisoformat(first)).days


def epoch(now: datetime) -> int:
    """Whole seconds; what is younger than a second cannot be told apart here."""
    return int(now.astimezone(UTC).timestamp())
