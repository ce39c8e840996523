"""When a token was made, dies, and is to be renewed."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from vendors.grant import Granted, Renewal

MOST_JITTER = timedelta(seconds=60)
_SPARE = timedelta(minutes=2)

Draw = Callable[[float, float], float]


@dataclass(frozen=True, slots=True)
class Times:
    """The times of one generation."""

    made_at: datetime
    expires_at: datetime | None
    refresh_at: datetime | None
    refresh_expires_at: datetime | None = None
    grant_ends_at: datetime | None = None


def times_of(granted: Granted, renewal: Renewal | None, made_at: datetime, draw: Draw = random.uniform) -> Times:
    """Renewed at the vendor's age or up to a minute earlier, so that grants of one hour do not come back together."""
    if granted.lives is None or renewal is None:
        return Times(made_at, None, None, None, _after(made_at, granted.hard_lives))
    # A life shorter than the vendor's page says leaves its last tenth.
    age = renewal.age if granted.lives - renewal.age >= _SPARE else granted.lives * 0.9
    jitter = min(MOST_JITTER, granted.lives * 0.05)
    refresh_at = made_at + age - jitter * draw(0.0, 1.0)
    idle, hard = _after(made_at, granted.refresh_lives), _after(made_at, granted.hard_lives)
    return Times(made_at, made_at + granted.lives, refresh_at, idle, hard)


def _after(moment: datetime, span: timedelta | None) -> datetime | None:
    return None if span is None else moment + span
