"""When a job's run is over: each of its sources was read to its end, and as many records have entered as were read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from common.contracts.ids import RunId
from common.state.polls import Polled
from common.state.pool import DbConnection


async def will_read(tx: DbConnection, runs: Iterable[RunId], sources: Iterable[Polled]) -> None:
    """These runs, which have begun, read these sources."""
    rows = [(run, *source) for source in sources for run in runs]
    await tx.execute(
        """
        insert into flow.run_source (run, connection, entity, place)
        select * from unnest($1::text[], $2::text[], $3::text[], $4::text[]) on conflict do nothing
        """,
        *([row[at] for row in rows] for at in range(4)),
    )


async def has_read(tx: DbConnection, source: Polled, read: Mapping[RunId, int]) -> None:
    """A source was read to its end."""
    await tx.execute(
        """
        update flow.run_source s set records_read = n.read from unnest($4::text[], $5::bigint[]) as n(run, read)
         where (s.run, s.connection, s.entity, s.place) = (n.run, $1, $2, $3)
        """,
        *source,
        list(read),
        list(read.values()),
    )


async def close_those_read(tx: DbConnection, now: datetime) -> None:
    """Everything that was read has entered: nothing more will."""
    await tx.execute(_CLOSE, now)


_CLOSE = """
update flow.run r set closed_at = $1
 where r.closed_at is null and r.kind in ('poll', 'full', 'backfill')
   and exists (select from flow.run_source s where s.run = r.id)
   and not exists (select from flow.run_source s where s.run = r.id and s.records_read is null)
   and (select sum(s.records_read) from flow.run_source s where s.run = r.id)
       <= (select coalesce(sum(c.records), 0) from flow.run_count c where c.run = r.id and c.outcome = 'entered')
"""
