"""Versions of the API: a new one each quarter, five in support, and what is asked beyond them falls forward."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

HANDLE = re.compile(r"(\d{4})-(01|04|07|10)\Z")
RELEASE_HOUR = 17
IN_SUPPORT = 5
UNSTABLE = "unstable"


@dataclass(slots=True)
class Version:
    """One version as the API lists it."""

    handle: str
    supported: bool

    @property
    def display_name(self) -> str:
        return self.handle.title()


def quarter(handle: str) -> int:
    year, month = handle.split("-")
    return int(year) * 4 + (int(month) - 1) // 3


def named(number: int) -> str:
    return f"{number // 4:04}-{number % 4 * 3 + 1:02}"


def newest(now: datetime) -> int:
    """The last quarter whose version is out."""
    number = now.year * 4 + (now.month - 1) // 3
    started = datetime(now.year, (now.month - 1) // 3 * 3 + 1, 1, RELEASE_HOUR, tzinfo=UTC)
    return number if now >= started else number - 1


def listed(now: datetime) -> list[Version]:
    """Those in support, the one to come, and the unstable one."""
    last = newest(now)
    known = [Version(named(number), supported=True) for number in range(last - IN_SUPPORT + 1, last + 1)]
    return [*known, Version(named(last + 1), supported=False), Version(UNSTABLE, supported=False)]


def served(asked: str, now: datetime) -> str | None:
    """The version that answers; None for a name that is none."""
    if asked == UNSTABLE:
        return asked
    if not HANDLE.match(asked):
        return None
    number, last = quarter(asked), newest(now)
    return named(max(number, last - IN_SUPPORT + 1)) if number <= last + 1 else None
