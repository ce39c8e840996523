"""What it costs to read records one by one, because no listing carries what a mapping reads: calls, and how long these take."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from common.contracts.connections import Connection
from common.http.day_share import reads_share, reads_take_s
from vendors.vendor import Vendor

A_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class DetailCost:
    """So many calls; `a_day` is how many of them a day has room for, None where the vendor counts no days."""

    calls: int = 0
    a_day: int | None = None
    seconds: float = 0.0

    def __add__(self, other: DetailCost) -> DetailCost:
        """One after the other; whoever has none says nothing of days."""
        known = [one.a_day for one in (self, other) if one.calls and one.a_day is not None]
        return DetailCost(self.calls + other.calls, min(known, default=None), self.seconds + other.seconds)

    def sentence(self, names: Collection[str]) -> str:
        """For whoever applies such a mapping."""
        reads = (
            f"No list carries {', '.join(sorted(names))}: each record costs a call once, and again when it has changed"
        )
        day = f"; at most {self.a_day} of them a day" if self.a_day is not None else ""
        if not self.calls:
            return f"{reads}{day}."
        return f"{reads}. {self.calls} are to be read now{day}: about {_time(self.seconds)}."


def detail_cost(vendor: Vendor, connection: Connection, calls: int, now: datetime) -> DetailCost:
    """Of so many records of one connection."""
    limits = tuple(vendor.profile.limits(connection))
    share = reads_share(limits, now)
    return DetailCost(calls, share.calls if share is not None else None, reads_take_s(calls, limits, now))


def _time(seconds: float) -> str:
    if seconds < A_DAY_S:
        return f"{max(1, round(seconds / 60))} min"
    return f"{round(seconds / A_DAY_S)} days"
