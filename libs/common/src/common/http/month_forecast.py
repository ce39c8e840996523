"""What a month will have come to at its end, by what it has come to so far and by the days before today.

The first day on which anything was counted says nothing of others: it is a part of a day, and the account was read as a whole on it. Of the
days after it the last seven count, so that weekends have their part.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

DAYS = 7
# So far back the days are asked for: the first one has to be known as such.
KNOWN = timedelta(days=DAYS + 1)
_DAY = timedelta(days=1)


def at_its_end(used: int, taken: Mapping[date, int], now: datetime, ends: datetime, zone: str) -> int:
    """Calls of the whole month."""
    return used + round(_a_day(taken, now.astimezone(ZoneInfo(zone))) * max(0.0, (ends - now) / _DAY))


def _a_day(taken: Mapping[date, int], now: datetime) -> float:
    today = now.date()
    before = [one for one in taken if one < today]
    if not before:
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        return taken.get(today, 0) / max((now - midnight) / _DAY, 1 / 24)
    first = max(min(before) + _DAY, today - DAYS * _DAY)
    known = (today - first) // _DAY
    if not known:
        return float(taken[today - _DAY])
    return sum(taken.get(first + number * _DAY, 0) for number in range(known)) / known
