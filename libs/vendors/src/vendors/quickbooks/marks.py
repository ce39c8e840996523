"""What cursors say: everything up to a moment is known; in the midst of a whole listing, its next page and what was seen before."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from vendors.quickbooks.limits import LIST_LAG
from vendors.vendor import Cursor

# R10: stamps are whole seconds, and lists follow the records by their lag.
SETTLES_AFTER = timedelta(seconds=1) + LIST_LAG
# A cursor that stayed at the newest stamp of a quiet company would one day be older than what the vendor remembers.
_CARRIED_ON = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class QboMark:
    """A cursor, read."""

    since: datetime | None = None
    start: int = 1
    newest: datetime | None = None
    """The newest stamp of the pages before."""
    bound: datetime | None = None
    """What was settled when the listing began."""

    @classmethod
    def of(cls, cursor: Cursor | None) -> QboMark:
        """A cursor that is none of ours starts from the beginning: that costs calls and loses nothing."""
        try:
            parsed = json.loads(cursor or "{}")
            moments = {n: _moment(parsed[n]) for n in ("since", "newest", "bound") if parsed.get(n)}
            return cls(start=max(1, int(parsed.get("start", 1))), **moments)
        except (ValueError, TypeError, AttributeError, OverflowError):
            return cls()

    def cursor(self) -> Cursor:
        parsed = {n: m.isoformat() for n in ("since", "newest", "bound") if (m := getattr(self, n)) is not None}
        return Cursor(json.dumps(parsed | ({"start": self.start} if self.start > 1 else {}), sort_keys=True))


def reached(since: datetime | None, newest: datetime | None, bound: datetime) -> Cursor | None:
    """R11: where the next reading begins: at the newest stamp seen, not later than what was settled, and at most a day before that."""
    known = max((moment for moment in (since, min(newest, bound) if newest else None) if moment), default=None)
    if known is not None and bound - known > _CARRIED_ON:
        known = bound
    return QboMark(since=known).cursor() if known else None


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
