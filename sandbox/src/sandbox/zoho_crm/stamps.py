"""Times as the vendor writes them: ISO 8601, whole seconds, an offset with a colon."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:?\d\d)\Z")
DAY = re.compile(r"\d{4}-\d\d-\d\d\Z")


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@lru_cache(maxsize=4_096)
def stamp(at: int, zone_name: str) -> str:
    """ "2026-03-01T10:20:30+05:30"."""
    return datetime.fromtimestamp(at, zone(zone_name)).isoformat(timespec="seconds")


def seconds_of(text: str) -> int | None:
    """The instant of a stamp, None when it is none."""
    if not STAMP.match(text):
        return None
    try:
        return int(datetime.fromisoformat(text).timestamp())
    except (ValueError, OverflowError):
        return None


def header_time(text: str) -> int | None:
    """The instant in a conditional header: a stamp, or the date of HTTP."""
    found = seconds_of(text)
    if found is not None:
        return found
    try:
        return int(parsedate_to_datetime(text).timestamp())
    except (ValueError, TypeError, OverflowError):
        return None


def is_day(text: str) -> bool:
    if not DAY.match(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def epoch(now: datetime) -> int:
    """Whole seconds; what is younger than a second cannot be told apart here."""
    return int(now.astimezone(UTC).timestamp())
