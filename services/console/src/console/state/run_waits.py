"""What a run that is not over waits for: a gate, a quota, a pause of its source, a person who paused the sync, the next try of what failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from common.contracts.ids import RunId
from common.state import pool as state

# So many of its waiting records are looked at.
LOOKED_AT = 200


class WaitsFor(NamedTuple):
    """Why nothing moves, and until when where that is known."""

    reason: str
    until: datetime | None = None


async def of(tx: state.DbConnection, runs: Sequence[RunId], now: datetime) -> Mapping[str, WaitsFor]:
    """By run; one that is at work waits for nothing."""
    rows = await tx.fetch(_WAITS, list(runs), now, LOOKED_AT)
    return {row["run"]: WaitsFor(row["reason"], row["until"]) for row in rows}


# The first of these that is so. A source's pause holds up only what is not read yet.
_WAITS = """
select distinct on (run) run, reason, until from (
    select r.id as run, 1 as place, 'paused' as reason, null::timestamptz as until
      from flow.run r join core.sync s on s.id = r.sync where r.id = any($1) and s.state = 'paused'
    union all
    select r.id, 2, g.reason, g.until
      from flow.run r join core.leg l on l.sync = r.sync
      join core.gate g on g.connection = l.target_connection and g.place in ('', l.target_place, '#' || l.sync || '/' || l.name)
     where r.id = any($1) and (g.until is null or g.until > $2)
    union all
    select n.run, 3, g.reason, g.until
      from flow.run_source n join core.gate g on g.connection = n.connection and g.place in ('', n.place)
     where n.run = any($1) and n.ended_at is null and (g.until is null or g.until > $2)
    union all
    select n.run, 4, case when p.words like 'QUOTA_EXHAUSTED:%' then 'quota' else 'source' end, p.next_at
      from flow.run_source n join flow.poll p on (p.connection, p.entity, p.place) = (n.connection, n.entity, n.place)
     where n.run = any($1) and n.ended_at is null and p.words <> '' and p.next_at > $2
    union all
    select r.run, 5, case when bool_and(r.code = 'QUOTA_EXHAUSTED') then 'quota' else 'retry' end, min(r.due)
      from unnest($1::text[]) as n(run) cross join lateral (
           select l.run, w.state, w.code, case w.state when 'hold' then w.hold_until else w.due_at end as due
             from (select * from flow.run_record where run = n.run and outcome = 'waiting' limit $3) as l
             join flow.work_item w on (w.sync, w.entity, w.record) = (l.sync, l.entity, l.record)) as r
     group by r.run having bool_and(r.state in ('waiting', 'hold') and r.due > $2)) as found
 order by run, place, until nulls first
"""
