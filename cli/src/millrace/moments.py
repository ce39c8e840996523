"""Moments as people type them: an ISO time, or how long ago."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from millrace.errors import CommandError
from millrace.exit_codes import ExitCode

_AGO = re.compile(r"(\d+)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def moment(text: str, now: datetime) -> datetime:
    """`2026-01-31`, `2026-01-31T12:00:00+02:00` (UTC without an offset), or `90s`, `15m`, `2h`, `7d` ago."""
    ago = _AGO.fullmatch(text)
    if ago:
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as wrong:
        raise CommandError(
            f"{text} is no time.", "Write 2026-01-31T12:00:00+02:00, 2026-01-31, or 15m, 2h, 7d ago.", ExitCode.USAGE
        ) from wrong
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def local(moment: str | None) -> str:
    """A time of the API in the reader's own time zone."""
    if not moment:
        return "-"
    return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z").strip()
