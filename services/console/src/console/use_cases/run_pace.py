"""How long a run will take, by what has had its end so far."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

# The first few tell nothing: one that is read and judged has its end long before the first call of many has come back.
SHOWS_AT = 10
# Where so large a part of what was listed waits, the listing is not what the others wait for.
BEHIND_AT = 5


@dataclass(frozen=True, slots=True)
class RunPace:
    """So many have had their end since the start, the last one then."""

    started_at: datetime
    ended: int
    last_end: datetime | None

    def while_listed(self, many: int, entered: int, now: datetime, listing_s: float) -> float | None:
        """Of about so many records, of which so many have entered, where a limit of their vendor holds up the listing for so long.

        Then what was done in the past tells little of the rest: a window is used up in a burst, and after it nothing moves for a while.
        Unless the others are behind what is listed, they are through with it when it ends.
        """
        by_pace = self.seconds_left(many, now, None)
        if by_pace is None or not listing_s:
            return by_pace
        waiting, pace = entered - self.ended, (now - self.started_at).total_seconds() / self.ended
        rest = listing_s + pace * waiting
        return rest if waiting * BEHIND_AT < entered else max(rest, by_pace)

    def seconds_left(self, many: int, now: datetime, pause: datetime | None) -> float | None:
        """Of so many records, once a tenth has had its end.

        A pause that is to end says nothing of the pace: it is left out of it, and what is left of the pause is added.
        """
        if not self.ended or self.ended * SHOWS_AT < many:
            return None
        until = now if pause is None else self.last_end or now
        pace = max(0.0, (until - self.started_at).total_seconds()) / self.ended
        return pace * (many - self.ended) + (0.0 if pause is None else max(0.0, (pause - now).total_seconds()))
