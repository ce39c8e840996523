"""The daily summary: when it is wanted, what it says of a day, and that each day is told of once.

A summary, its notification and what it owes to whom are one transaction under the day's primary key. A crash before its commit leaves the day
untold, and the next look tells it; after it, only sending is left (`notify/sender.py`).
"""

from __future__ import annotations

from datetime import date, datetime, time

from common import failpoints
from common.api.refusal import Refusal
from common.clock import Clock
from common.cron import is_zone
from common.state import pool as state
from console import notice_codes as codes
from console.state import deliveries, summaries
from console.state.summaries import Summary
from console.summaries import days, words
from console.summaries.days import Day, Wanted
from console.use_cases.day_figures import DayFigures

USUAL_HOUR = "07:00"
_EARLIEST = date(2000, 1, 1)


class Summaries:
    """Makes them and shows them."""

    def __init__(self, pool: state.Pool, figures: DayFigures, clock: Clock) -> None:
        self._pool = pool
        self._figures = figures
        self._clock = clock

    async def wanted(self) -> tuple[Wanted | None, datetime | None]:
        """When people want to be told, and when they are next."""
        now = self._clock.now()
        async with state.connection(self._pool) as link:
            wanted = await summaries.wanted(link)
            made = await summaries.made(link, wanted.first_day) if wanted else frozenset[date]()
        return wanted, days.next_at(wanted, made, now) if wanted else None

    async def want(self, at: str, zone: str) -> None:
        """From today on; today's summary comes tomorrow."""
        hour = _hour(at)
        if not is_zone(zone):
            raise Refusal(422, codes.SUMMARY_ZONE_UNKNOWN, f"There is no time zone {zone[:64]!r}.")
        wish = Wanted(hour, zone, days.date_at(self._clock.now(), zone))
        async with state.transaction(self._pool) as tx:
            await summaries.want(tx, wish)

    async def want_none(self) -> None:
        """No more summaries are made; those that were made stay."""
        async with state.transaction(self._pool) as tx:
            await summaries.want(tx, None)

    async def show(self, day: date | None) -> Summary:
        """As it was told; a day that was not told of, as it is seen now. Without a day: the newest, else today so far."""
        async with state.transaction(self._pool) as tx:
            told = await summaries.of_day(tx, day)
            if told is not None:
                return told
            wanted = await summaries.wanted(tx)
            zone = wanted.zone if wanted else "UTC"
            return await self._of(tx, self._day(day, zone), None)

    async def make_due(self) -> int:
        """Tells of each day whose hour has come, the oldest first; how many those were."""
        count = 0
        while await self._made_one():
            count += 1
        return count

    async def _made_one(self) -> bool:
        now = self._clock.now()
        async with state.transaction(self._pool) as tx:
            wanted = await summaries.wanted(tx) if await summaries.turn(tx) else None
            due = days.due(wanted, await summaries.made(tx, wanted.first_day), now) if wanted else ()
            if not due:
                return False
            summary = await self._of(tx, due[0], now)
            notification = await summaries.keep(tx, summary, words.subject(summary))
            await deliveries.owe_summary(tx, notification, now)
            await failpoints.hit("console.summary.made")
        return True

    async def _of(self, tx: state.DbConnection, day: Day, made_at: datetime | None) -> Summary:
        return Summary(day, await self._figures.read(tx, day), made_at)

    def _day(self, day: date | None, zone: str) -> Day:
        today = days.date_at(self._clock.now(), zone)
        if day is not None and not _EARLIEST <= day <= today:
            words = "has not begun in {zone}" if day > today else "is before all that is known"
            raise Refusal(404, codes.SUMMARY_NOT_YET, f"{day} {words.format(zone=zone)}.")
        return days.day_of(day or today, zone)


def _hour(at: str) -> str:
    try:
        hour = time.fromisoformat(at)
    except ValueError:
        hour = time(second=1)
    if len(at) != len(USUAL_HOUR) or hour.second or hour.tzinfo:
        raise Refusal(422, codes.SUMMARY_HOUR_INVALID, f"{at[:16]!r} is no hour of a day.")
    return at
