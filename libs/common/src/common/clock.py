"""The one source of business time: token expiry, budgets, due times, schedules and signature age.

Latency, leases and deadlines use `monotonic()` instead: it never jumps.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

OFFSET_FILE = "clock-offset"
_OFFSET_FRESH_S = 0.05


class Clock(Protocol):
    """Tells the time of the business: an aware datetime in UTC."""

    def now(self) -> datetime: ...


class _Place(Protocol):
    """What `clock_for` needs to know of the settings."""

    @property
    def home(self) -> Path: ...

    @property
    def base_urls(self) -> Mapping[str, str]: ...


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class OffsetClock:
    """The machine's time plus the seconds the sandbox writes to `clock-offset`, so that both move together."""

    @property
    def moved_by(self) -> timedelta:
        self.now()
        return self._offset

    def __init__(self, home: Path) -> None:
        self._path = home / OFFSET_FILE
        self._offset = timedelta()
        self._seen: tuple[int, int, int] | None = None
        self._look_again = 0.0

    def now(self) -> datetime:
        if time.monotonic() >= self._look_again:
            self._refresh()
        return datetime.now(UTC) + self._offset

    def _refresh(self) -> None:
        self._look_again = time.monotonic() + _OFFSET_FRESH_S
        try:
            stat = self._path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if stamp != self._seen:
                self._offset = _seconds(self._path.read_text(encoding="ascii"), otherwise=self._offset)
                self._seen = stamp
        except FileNotFoundError:
            self._offset, self._seen = timedelta(), None


class FixedClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, at: datetime | None = None) -> None:
        self._at = at or datetime(2026, 1, 1, tzinfo=UTC)
        if self._at.tzinfo is None:
            raise ValueError("a clock needs an aware datetime")

    def now(self) -> datetime:
        return self._at

    @property
    def moved_by(self) -> timedelta:
        return self._at - machine_time()

    def advance(self, seconds: float) -> None:
        """Let this many seconds pass at once."""
        self._at += timedelta(seconds=seconds)

    def set(self, at: datetime) -> None:
        """Jump to this moment."""
        self._at = at.astimezone(UTC)


def clock_for(settings: _Place) -> Clock:
    """The sandbox's clock when every configured vendor address is on this machine, else the system's."""
    addresses = settings.base_urls.values()
    if addresses and all(is_loopback(address) for address in addresses):
        return OffsetClock(settings.home)
    return SystemClock()


def is_loopback(url: str) -> bool:
    """Whether an address can only lead to this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def machine_time() -> datetime:
    """The machine's own clock, unmoved by any test: to compare with other processes and servers, never for business."""
    return datetime.now(UTC)


def moved_by(clock: Clock) -> timedelta:
    """How far a test has moved the business: nothing in production.

    What is measured by the database's own time is moved by the same, so that tests can let horizons pass; a machine's clock that is
    set wrong moves nothing.
    """
    return clock.moved_by if isinstance(clock, OffsetClock | FixedClock) else timedelta()


def monotonic() -> float:
    """Seconds that never jump, for latency, leases and deadlines."""
    return time.monotonic()


def _seconds(text: str, *, otherwise: timedelta) -> timedelta:
    # A half-written file keeps the last good offset: time must not jump back because a writer was seen mid-write.
    try:
        return timedelta(seconds=float(text.strip()))
    except (ValueError, OverflowError):
        return otherwise
