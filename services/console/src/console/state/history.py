"""What became of every record that a sync judged, told from the journal: by mapping version and by day of live changes.

A record counts once in each run, by the last revision that the run gave it. What has no row that says how it ended is counted as
`unaccounted`: then the books do not close.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from common.state import pool as state

OUTCOMES = ("added", "updated", "unchanged", "skipped", "failed", "superseded", "waiting")
# So long may a published command be on its topic before it counts as lost.
UNDERWAY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Remapped:
    """The job by which a mapping version judged what was stored."""

    version: int
    seen: int
    started_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Tally:
    """How the records of one run ended."""

    counts: Mapping[str, int]
    first: datetime | None
    last: datetime | None


async def give_up_after(tx: state.DbConnection, patience: timedelta) -> None:
    """No statement of this transaction takes longer: the server ends it with a QueryCanceledError."""
    milliseconds = str(int(patience.total_seconds() * 1000))
    await tx.execute("select set_config('statement_timeout', $1, true)", milliseconds)


async def remaps(tx: state.DbConnection, sync: str, limit: int) -> Sequence[Remapped]:
    """The jobs of all legs that a version changed, newest version first."""
    rows = await tx.fetch(
        """select mapping_version, sum(seen)::bigint, min(started_at),
                  case when bool_and(finished_at is not null) then max(finished_at) end
             from flow.remap where sync = $1 group by mapping_version order by mapping_version desc limit $2""",
        sync,
        limit,
    )
    return [Remapped(*tuple(row)) for row in rows]


async def outcomes(
    tx: state.DbConnection, sync: str, since: datetime, now: datetime
) -> Mapping[tuple[str, str], Tally]:
    """By (`mapping`, version) and by (`live`, day)."""
    found: dict[tuple[str, str], list[Any]] = {}
    for row in await tx.fetch(_OUTCOMES, sync, since, now - UNDERWAY):
        found.setdefault((row["kind"], row["run"]), []).append(row)
    return {
        run: Tally(
            {row["outcome"]: row["count"] for row in rows}, min(r["first"] for r in rows), max(r["last"] for r in rows)
        )
        for run, rows in found.items()
    }


async def read_on(tx: state.DbConnection, sync: str, since: datetime) -> Mapping[date, tuple[int, int]]:
    """By day: how many records were heard of, and how many of them gave the sync nothing new to wish."""
    rows = await tx.fetch(_READ_ON, sync, since)
    return {row["day"]: (row["total"], row["quiet"]) for row in rows}


_OUTCOMES = """
with raised as (
    select case when event_id = '' then 'mapping' else 'live' end as kind,
           case when event_id = '' then mapping_version::text else (at at time zone 'UTC')::date::text end as run,
           entity, record, min(revision) as lowest, max(revision) as revision, min(at) as first, max(at) as last
      from flow.journal where sync = $1 and step in ('mapped', 'filtered') and at >= $2 group by 1, 2, 3, 4
), ended as (
    select entity, record, revision, bool_or(step = 'applied') as applied,
           bool_or(step = 'applied' and details ->> 'action' = 'create') as created,
           (array_agg(step order by id desc) filter (where step <> 'applied'))[1] as step
      from flow.journal
     where sync = $1 and at >= $2 and step in ('applied', 'unchanged', 'skipped', 'dead', 'parked', 'discarded', 'superseded')
     group by entity, record, revision
), made as (
    select distinct r.kind, r.run, r.entity, r.record from raised r
      join ended a on a.created and (a.entity, a.record) = (r.entity, r.record) and a.revision between r.lowest and r.revision
), judged as (
    select r.*, w.revision as current, w.state, e.step as ended, m.record is not null as created,
           coalesce(e.applied, false) as applied,
           n.published_revision >= r.revision and n.changed_at < $3 as overdue
      from raised r
      left join made m on (m.kind, m.run, m.entity, m.record) = (r.kind, r.run, r.entity, r.record)
      left join flow.work_item w on w.sync = $1 and w.entity = r.entity and w.record = r.record
      left join flow.wanted n on n.sync = $1 and n.entity = r.entity and n.record = r.record
      left join ended e on (e.entity, e.record, e.revision) = (r.entity, r.record, r.revision)
)
select kind, run, count(*) as count, min(first) as first, max(last) as last,
       case when current = revision and state in ('ready', 'leased', 'hold', 'waiting', 'awaiting') then 'waiting'
            when current = revision and state in ('dead', 'parked') then 'failed'
            when created then 'added'
            when applied then 'updated'
            when ended in ('skipped', 'unchanged', 'superseded') then ended
            when ended is not null then 'failed'
            when current > revision then 'superseded'
            when overdue then 'unaccounted'
            else 'waiting' end as outcome
  from judged group by kind, run, outcome
"""

_READ_ON = """
with heard as (
    select distinct (j.at at time zone 'UTC')::date as day, l.name as entity, j.record from core.leg l
      join flow.journal j on (j.connection, j.entity) = (l.source_connection, l.source_entity)
     where l.sync = $1 and j.at >= $2 and j.step in ('received', 'duplicate', 'stale', 'asked')
), raised as (
    select distinct (at at time zone 'UTC')::date as day, entity, record from flow.journal
     where sync = $1 and at >= $2 and event_id <> '' and step in ('mapped', 'filtered')
)
select coalesce(h.day, r.day) as day, count(*) as total, count(*) filter (where r.record is null) as quiet
  from heard h full join raised r on (r.day, r.entity, r.record) = (h.day, h.entity, h.record) group by 1
"""
