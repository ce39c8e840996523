"""The ledger as people read it: runs with their counts, the records of a run, and those that nobody will end any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from common.contracts.ids import RunId
from common.state import pool as state

# So long may a published command be on its topic before it counts as lost.
UNDERWAY = timedelta(minutes=5)
# So many waiting records are looked at, shared among the runs that are shown; one that was lost is met at last when the others have their end.
LOOKED_AT = 1000


class Count(NamedTuple):
    """How many records of a run ended alike, and when the last one did."""

    outcome: str
    reason: str
    records: int
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as it is stored, with its counts."""

    id: RunId
    sync: str
    sync_name: str
    kind: str
    started_by: str
    mapping_version: int | None
    started_at: datetime
    closed_at: datetime | None
    before_ledger: bool
    stopped: bool
    listed: int | None
    """How many records were read for it; None while that is not known, or cannot be."""
    called: Mapping[str, int]
    """List calls by vendor; those of the writers are among the counts."""
    counts: Sequence[Count]


class RecordPlace(NamedTuple):
    """Where a record stands in the list of a run."""

    outcome: str
    entity: str
    record: str
    revision: int
    round: int


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One record, or one change of one, in a run."""

    place: RecordPlace
    reason: str
    entered_at: datetime
    ended_at: datetime | None


async def page(
    tx: state.DbConnection, sync: str | None, before: tuple[datetime, str] | None, limit: int
) -> Sequence[RunRow]:
    """The newest runs, of one sync or of all."""
    values: list[Any] = [limit]
    where = []
    if sync is not None:
        values.append(sync)
        where.append(f"r.sync = ${len(values)}")
    if before is not None:
        values += before
        where.append(f"(r.started_at, r.id) < (${len(values) - 1}, ${len(values)})")
    chosen = f"where {' and '.join(where)}" if where else ""
    rows = await tx.fetch(f"{_SELECT} {chosen} order by r.started_at desc, r.id desc limit $1", *values)
    return [_run(row) for row in rows]


async def one(tx: state.DbConnection, id: str) -> RunRow | None:
    """The run of this id."""
    row = await tx.fetchrow(f"{_SELECT} where r.id = $1", id)
    return _run(row) if row is not None else None


async def oldest(tx: state.DbConnection, sync: str) -> datetime | None:
    """When the first run began that is kept of a sync."""
    began: datetime | None = await tx.fetchval(
        "select started_at from flow.run where sync = $1 order by started_at, id limit 1", sync
    )
    return began


async def lost(tx: state.DbConnection, runs: Sequence[RunId], now: datetime) -> Mapping[str, int]:
    """Of the records that wait in these runs, how many nobody will end: neither on a topic nor in a queue."""
    rows = await tx.fetch(_LOST, list(runs), now - UNDERWAY, max(1, LOOKED_AT // len(runs)))
    return {row["run"]: row["lost"] for row in rows}


async def records(
    tx: state.DbConnection, run: str, outcomes: Sequence[str], after: RecordPlace | None, limit: int
) -> Sequence[RunRecord]:
    """Records of a run with one of these ends, in the order of the index; the outcomes sorted."""
    rows = await tx.fetch(_RECORDS, run, list(outcomes), *(after or RecordPlace("", "", "", 0, 0)), limit)
    return [
        RunRecord(
            RecordPlace(*(row[name] for name in RecordPlace._fields)), row["reason"], row["entered_at"], row["ended_at"]
        )
        for row in rows
    ]


_SELECT = """
select r.id, r.sync, s.name as sync_name, r.kind, r.started_by, r.mapping_version, r.started_at, r.closed_at, r.before_ledger, r.stopped,
       (select sum(n.records_read)::bigint from flow.run_source n where n.run = r.id having bool_and(n.records_read is not null)) as listed,
       (select coalesce(jsonb_object_agg(n.vendor, n.calls), '{}')
          from (select c.vendor, sum(n.calls) as calls from flow.run_source n join core.connection c on c.id = n.connection
                 where n.run = r.id group by c.vendor) as n) as called,
       (select coalesce(jsonb_agg(jsonb_build_array(c.outcome, c.reason, c.records, c.last_at)), '[]')
          from (select outcome, reason, sum(records) as records, max(last_at) as last_at from flow.run_count
                 where run = r.id group by outcome, reason) as c) as counts
  from flow.run r join core.sync s on s.id = r.sync
"""

# Each outcome is a range of the index of its own.
_RECORDS = """
select found.* from unnest($2::text[]) as o(outcome) cross join lateral (
    select outcome, entity, record, revision, round, reason, entered_at, ended_at from flow.run_record
     where run = $1 and outcome = o.outcome and (outcome, entity, record, revision, round) > ($3, $4, $5, $6, $7)
     order by entity, record, revision, round limit $8) as found
 order by outcome, entity, record, revision, round limit $8
"""

_LOST = """
select n.run, count(*) as lost
  from unnest($1::text[]) as n(run) cross join lateral (
       select * from flow.run_record where run = n.run and outcome = 'waiting' limit $3) as r
  left join flow.work_item w on (w.sync, w.entity, w.record) = (r.sync, r.entity, r.record)
  left join flow.wanted v on (v.sync, v.entity, v.record) = (r.sync, r.entity, r.record)
 where r.entered_at < $2 and coalesce(w.state, '') not in ('ready', 'leased', 'hold', 'waiting', 'awaiting')
   and (w.revision >= r.revision or v.revision is null or (v.published_revision >= v.revision and v.changed_at < $2))
 group by n.run
"""


def _run(row: Mapping[str, Any]) -> RunRow:
    given: dict[str, Any] = {name: row[name] for name in RunRow.__slots__ if name != "counts"}
    counts = [Count(outcome, reason, int(records), _moment(last)) for outcome, reason, records, last in row["counts"]]
    return RunRow(**given, counts=[one for one in counts if one.records])


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
