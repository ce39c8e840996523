"""How many of a day's calls have read records that a listing made necessary: they have a share of it, and no more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from common.state.pool import DbConnection


@dataclass(frozen=True, slots=True)
class DayShare:
    """So many calls under a limit until its day ends."""

    limit_id: str
    day: date
    calls: int
    ends: datetime


async def take(tx: DbConnection, share: DayShare, wanted: int) -> int:
    """As many of these calls as the share still has; written ahead of their use."""
    await tx.execute(
        "insert into flow.read_day (limit_id, day) values ($1, $2) on conflict do nothing", share.limit_id, share.day
    )
    taken: int = await tx.fetchval(
        """
        with before as materialized (select reads from flow.read_day where (limit_id, day) = ($1, $2) for update)
        update flow.read_day d set reads = d.reads + greatest(0, least($3, $4 - b.reads)) from before b
         where (d.limit_id, d.day) = ($1, $2) returning greatest(0, least($3, $4 - b.reads))
        """,
        share.limit_id,
        share.day,
        wanted,
        share.calls,
    )
    return taken


async def give_back(tx: DbConnection, share: DayShare, unused: int) -> None:
    """So many calls were not made after all."""
    await tx.execute(
        "update flow.read_day set reads = greatest(0, reads - $3) where (limit_id, day) = ($1, $2)",
        share.limit_id,
        share.day,
        unused,
    )
