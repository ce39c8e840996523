"""The rows of `core.summary` and `core.summary_setting`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from common.state import pool as state
from console.summaries.days import Day, Wanted
from console.summaries.figures import Figures


@dataclass(frozen=True, slots=True)
class Summary:
    """A day as it was told, or as it is seen now: then `made_at` is None."""

    day: Day
    figures: Figures
    made_at: datetime | None


async def turn(tx: state.DbConnection) -> bool:
    """Whether nobody else makes summaries just now; until the transaction ends."""
    mine: bool = await tx.fetchval("select pg_try_advisory_xact_lock(hashtextextended('millrace:summaries', 0))")
    return mine


async def wanted(tx: state.DbConnection) -> Wanted | None:
    """When people want to be told; None: never."""
    row = await tx.fetchrow("select at, zone, first_day from core.summary_setting")
    return Wanted(row["at"], row["zone"], row["first_day"]) if row else None


async def want(tx: state.DbConnection, wish: Wanted | None) -> None:
    """From now on; a change of the hour leaves the first day as it was."""
    if wish is None:
        await tx.execute("delete from core.summary_setting")
        return
    await tx.execute(
        """insert into core.summary_setting (at, zone, first_day) values ($1, $2, $3)
           on conflict (only_row) do update set at = excluded.at, zone = excluded.zone""",
        wish.at, wish.zone, wish.first_day,
    )  # fmt: skip


async def made(tx: state.DbConnection, since: date) -> frozenset[date]:
    """The days that were told of."""
    rows = await tx.fetch("select day from core.summary where day >= $1", since)
    return frozenset(row["day"] for row in rows)


async def keep(tx: state.DbConnection, summary: Summary, words: str) -> int:
    """Stores it with its notification, whose id comes back; the one before is over."""
    day, figures = summary.day, summary.figures.model_dump(mode="json")
    await tx.execute(
        "update core.notification set resolved_at = $1 where kind = 'summary' and resolved_at is null", summary.made_at
    )
    notification: int = await tx.fetchval(
        "insert into core.notification (at, kind, message) values ($1, 'summary', $2) returning id",
        summary.made_at,
        words,
    )
    await tx.execute(
        """insert into core.summary (day, zone, begins_at, ends_at, made_at, figures, notification)
           values ($1, $2, $3, $4, $5, $6, $7)""",
        day.date, day.zone, day.begins_at, day.ends_at, summary.made_at, figures, notification,
    )  # fmt: skip
    return notification


async def of_day(tx: state.DbConnection, day: date | None) -> Summary | None:
    """As it was told; without a day the newest."""
    return _summary(await tx.fetchrow(f"{_SELECT} where $1::date is null or day = $1 order by day desc limit 1", day))


async def of_notification(tx: state.DbConnection, notification: int) -> Summary | None:
    """The one that a notification is about."""
    return _summary(await tx.fetchrow(f"{_SELECT} where notification = $1", notification))


def _summary(row: Any) -> Summary | None:
    if row is None:
        return None
    day = Day(row["day"], row["zone"], row["begins_at"], row["ends_at"])
    return Summary(day, Figures.model_validate(row["figures"]), row["made_at"])


_SELECT = "select day, zone, begins_at, ends_at, made_at, figures from core.summary"
