"""Times as the vendor writes them: the offset of the west coast, whole seconds in records, milliseconds in answers."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

HOME = "America/Los_Angeles"


@lru_cache(maxsize=1)
def zone() -> ZoneInfo:
    return ZoneInfo(HOME)


@lru_cache(maxsize=4_096)
def stamp(at: int) -> str:
    """ "2026-03-01T10:20:30-08:00"."""
    return datetime.fromtimestamp(at, zone()).isoformat(timespec="seconds")


def day(at: int) -> str:
    return datetime.fromtimestamp(at, zone()).date().isoformat()


def answer_time(now: datetime) -> str:
    """The `time` of an answer."""
    return now.astimezone(zone()).isoformat(timespec="milliseconds")


def event_time(at: datetime, fraction: str) -> str:
    """The time of an event, in UTC: without a fraction, with milliseconds, or with nanoseconds."""
    whole = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    digits = {"none": "", "milli": f".{at.microsecond // 1000:03d}", "nano": f".{at.microsecond:06d}000"}[fraction]
    return f"{whole}{digits}Z"


def legacy_time(at: datetime) -> str:
    """ "2015-10-05T14:42:19-0700"."""
    return at.astimezone(zone()).strftime("%Y-%m-%dT%H:%M:%S%z")


def moment_of(text: str) -> float | None:
    """The instant of a date or a time; without an offset it is meant on the west coast. None when it is neither."""
    try:
        read = datetime.fromisoformat(text)
        read = read if read.tzinfo else read.replace(tzinfo=zone())
        return read.timestamp()
    except (ValueError, OverflowError):
        return None
