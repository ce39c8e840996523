"""When a job's run is over: it has read everything, and as many records have entered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from common.contracts.ids import RunId
from common.state.pool import DbConnection


async def all_read(tx: DbConnection, read: Mapping[RunId, int]) -> None:
    """A job has read everything: its run is over once as many records have entered."""
    await tx.execute(
        """
        update flow.run r set records_read = n.read from unnest($1::text[], $2::bigint[]) as n(id, read) where r.id = n.id
        """,
        list(read),
        list(read.values()),
    )


async def close_those_read(tx: DbConnection, now: datetime) -> None:
    """Everything that was read has entered: nothing more will."""
    await tx.execute(
        """
        update flow.run r set closed_at = $1
         where r.records_read is not null and r.closed_at is null
           and r.records_read <= (select coalesce(sum(c.records), 0) from flow.run_count c where c.run = r.id and c.outcome = 'entered')
        """,
        now,
    )
