"""When a source is read next, and how: what has changed, or everything.

Webhooks are a courtesy: while they come, a look every few minutes is enough; once a look finds what no webhook announced, they are not
trusted for two hours and the looks come closer, as long as these take no more than their share of a day's calls. Everything is listed
again once a day, because a deletion shows in few lists of changes; of a vendor whose list tells it, more seldom.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from common.cron import Cron
from common.http.profile import Limit
from common.state.polls import Poll

QUICK_EVERY = timedelta(seconds=45)
QUICK_FOR = timedelta(hours=2)
# Of the calls that an account has in a day: the rest is for reading records and for other applications.
QUICK_SHARE = 0.2
# A change whose webhook may still be under way says nothing about webhooks.
GRACE = timedelta(seconds=30)

Kind = Literal["backfill", "full", "poll"]


def kind(poll: Poll, now: datetime, whole_every: timedelta) -> Kind:
    """What the next reading is, if nobody asks for another: the first of all, everything once more, or what has changed."""
    if not poll.cursor and poll.whole_at is None:
        return "backfill"
    return "full" if not poll.cursor or poll.whole_at is None or now >= poll.whole_at + whole_every else "poll"


@dataclass(frozen=True, slots=True)
class Cadence:
    """When those who need a source want it looked at: the soonest of them counts. Nobody who says anything: as often as its vendor is."""

    every: timedelta | None = None
    at: tuple[Cron, ...] = ()

    @property
    def words(self) -> str:
        """What tells one from another; empty where nobody says anything."""
        every = [f"every {self.every}"] if self.every else []
        return "; ".join([*every, *sorted(map(str, self.at))])

    def after(self, now: datetime, usual: timedelta, least: timedelta = timedelta()) -> datetime:
        """The next look, so much later at the least. Intervals have a little jitter, so that what began together does not come together for
        ever; an hour that somebody has named has none."""
        moments = [cron.after(now + least) for cron in self.at]
        if self.every or not moments:
            moments.append(now + max(self.every or usual, least) * random.uniform(0.95, 1.0))  # noqa: S311 - jitter, no secret
        return min(moments)


def after(
    poll: Poll, now: datetime, usual: datetime, limits: Iterable[Limit], quick_until: datetime | None
) -> datetime:
    """When to look again: as `usual`, or soon while webhooks are not trusted."""
    quick = quick_until is not None and now < quick_until and poll.calls_today < _share(limits)
    return min(usual, Cadence(QUICK_EVERY).after(now, QUICK_EVERY)) if quick else usual


def spacing(told_nothing: int, limits: Iterable[Limit]) -> timedelta:
    """A list that cannot be asked for what has changed is read whole each time: the more pages of a look told nothing, the rarer it is, so
    that such looks too keep to their share of a day."""
    return timedelta(seconds=86_400 * told_nothing / _share(limits) if told_nothing > 1 else 0.0)


def _share(limits: Iterable[Limit]) -> float:
    return min((limit.ours * QUICK_SHARE for limit in limits if limit.shape == "daily"), default=float("inf"))
