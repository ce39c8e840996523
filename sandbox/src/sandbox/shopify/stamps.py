"""When a record changed, and which of its changes the search has noticed yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

KEPT = 20


@dataclass(slots=True)
class Stamps:
    """The moments a record changed, oldest first; the search index lags behind the record."""

    moments: list[datetime] = field(default_factory=list)
    created_at: datetime | None = None

    def touch(self, now: datetime) -> None:
        self.created_at = self.created_at or now
        self.moments.append(now)
        del self.moments[:-KEPT]

    @property
    def last(self) -> datetime:
        return self.moments[-1]

    def indexed(self, now: datetime, lag_s: float) -> datetime | None:
        """The change by which a search finds the record now; None while it is not in the index at all."""
        seen = now - timedelta(seconds=lag_s)
        return next((moment for moment in reversed(self.moments) if moment <= seen), None)
