"""The run ledger: what enters a run, and how it ends, stored in the transaction that makes it so.

A record enters a run when the mapper has judged it; in a day of live changes each *change* enters, because people count those. Its end is
stored by whoever ends it: mapper, intake or writer. Counts are kept by the database as rows change (`flow.run_count`, decision 0026), and
what was let in is counted apart from what became of it: a run whose books do not close has lost something.

A line speaks for one revision of one record. What is written of a revision whose line is closed (somebody changed the target, a neighbour
left) is nobody's change: it enters the day's live changes and ends there. A repeat of anything finds its line closed and counts nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from common.contracts.ids import ConnectionId, Entity, RecordId, RunId, SyncId
from common.state.pool import DbConnection

Did = Literal["", "added", "updated", "removed"]
Ended = Literal["", "unchanged", "skipped", "failed", "superseded"]
LIVE = "live"
OUTCOMES = ("added", "updated", "removed", "unchanged", "skipped", "failed", "superseded", "waiting")


@dataclass(frozen=True, slots=True)
class Run:
    """What begins."""

    id: RunId
    sync: SyncId
    kind: str
    started_by: str = ""
    mapping_version: int | None = None


class LineKey(NamedTuple):
    """One revision of one record of one sync."""

    sync: SyncId
    entity: Entity
    record: RecordId
    revision: int


@dataclass(frozen=True, slots=True)
class Entering:
    """One record that enters a run; with an outcome it ends at once."""

    run: RunId
    key: LineKey
    outcome: str = "waiting"
    reason: str = ""
    otherwise: RunId | None = None
    """Where it enters when it is in the run already; None: nowhere, because a job counts a record once."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a transaction says of one line: what was written of it, and how it ends, if it ends."""

    did: Did = ""
    ended: Ended = ""
    reason: str = ""
    late: bool = False
    """It was written after all: a line that is closed is put right."""

    def and_then(self, later: Spoken) -> Spoken:
        """Both, said of the same line by one transaction."""
        last = later if later.ended else self
        return Spoken(most(self.did, later.did), last.ended, last.reason, self.late or later.late)


def most(one: Did, other: Did) -> Did:
    """A record that was added and changed was added; one that was changed and left elsewhere was changed."""
    words: tuple[Did, ...] = ("added", "updated", "removed", "")
    return min(one, other, key=words.index)


def live_run(sync_name: str, now: datetime) -> RunId:
    """The day's (UTC) live changes of a sync."""
    return RunId(f"{sync_name}.{LIVE}.{now.astimezone(UTC):%Y-%m-%d}")


def version_run(sync_name: str, version: int) -> RunId:
    """The job by which a mapping version judges what is stored."""
    return RunId(f"{sync_name}.v{version}")


async def next_number(tx: DbConnection) -> int:
    """For a run that nothing else names."""
    number: int = await tx.fetchval("select nextval('flow.run_number')")
    return number


async def begin(tx: DbConnection, runs: Iterable[Run], now: datetime) -> None:
    """A run is a row from its start; one that has begun stays as it is."""
    ordered = sorted(runs, key=lambda run: run.id)
    await tx.execute(_BEGIN, *_run_columns(ordered), now)


async def close(tx: DbConnection, run: RunId, now: datetime) -> None:
    """Nothing enters it any more."""
    await tx.execute("update flow.run set closed_at = $2 where id = $1 and closed_at is null", run, now)


async def enter(
    tx: DbConnection,
    lines: Sequence[Entering],
    now: datetime,
    *,
    runs: Iterable[Run] = (),
    counted: Mapping[tuple[RunId, str], int] | None = None,
) -> None:
    """Lets records in, in one statement; of `runs` those begin that get any.

    `counted` are records without a row, by run and outcome: what needed nothing, or was merged with something newer before it was judged.
    """
    more = counted or {}
    if not lines and not more:
        return
    await tx.execute(
        _ENTER,
        *_run_columns(sorted(runs, key=lambda run: run.id)),
        now,
        *_key_columns([line.key for line in lines]),
        [line.run for line in lines],
        [line.outcome for line in lines],
        [line.reason for line in lines],
        ["" if line.otherwise is None else line.otherwise for line in lines],
        [run for run, _ in more],
        [outcome for _, outcome in more],
        list(more.values()),
    )


async def called(tx: DbConnection, calls: Mapping[tuple[RunId, ConnectionId], int], now: datetime) -> None:
    """Calls that were made for records of these runs; of the day's live changes nobody asks that."""
    jobs = {whose: many for whose, many in calls.items() if whose[0].split(".")[1:2] not in ([], [LIVE])}
    if jobs:
        columns = [[run for run, _ in jobs], [connection for _, connection in jobs], list(jobs.values())]
        await tx.execute(_CALLED, *columns, now)


async def speak(tx: DbConnection, spoken: Mapping[LineKey, Spoken], now: datetime) -> None:
    """Stores what was written and what ended, in one statement; the work items of these records are locked."""
    said = {key: one for key, one in spoken.items() if one.did or one.ended}
    if said:
        await tx.execute(
            _SPEAK,
            *_key_columns(said),
            [one.did for one in said.values()],
            [one.ended for one in said.values()],
            [one.reason for one in said.values()],
            [one.late for one in said.values()],
            now,
            f"{now.astimezone(UTC):%Y-%m-%d}",
        )


async def open_again(tx: DbConnection, keys: Iterable[LineKey]) -> None:
    """What had failed is tried once more, in the run where it failed; its work items are locked."""
    await tx.execute(_AGAIN, *_key_columns(keys))


def _run_columns(runs: Sequence[Run]) -> list[list[Any]]:
    names = ("id", "sync", "kind", "started_by", "mapping_version")
    return [[getattr(run, name) for run in runs] for name in names]


def _key_columns(keys: Iterable[LineKey]) -> list[list[Any]]:
    listed = list(keys)
    return [[key[at] for key in listed] for at in range(4)]


_BEGIN = """
insert into flow.run (id, sync, kind, started_by, mapping_version, started_at)
select n.*, $6 from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::integer[]) as n
on conflict (id) do nothing
"""

# What enters is counted from what was given, what became of it from the rows: the two must agree.
_ENTER = """
with given as materialized (
    -- With its limit, so that each record is looked up: the planner would read the whole table for a batch.
    select n.*, m.met is not null as met
      from unnest($7::text[], $8::text[], $9::text[], $10::bigint[], $11::text[], $12::text[], $13::text[], $14::text[])
           as n(sync, entity, record, revision, run, outcome, reason, otherwise)
      left join lateral (
           select true as met from flow.run_record r
            where r.sync = n.sync and r.entity = n.entity and r.record = n.record and r.run = n.run and n.otherwise <> n.run limit 1) as m on true
), chosen as materialized (
    select sync, entity, record, revision, case when met then otherwise else run end as run, outcome, reason
      from given where not met or otherwise <> ''
), counted as materialized (
    select run, outcome, records from unnest($15::text[], $16::text[], $17::bigint[]) as n(run, outcome, records)
), begun as (
    insert into flow.run (id, sync, kind, started_by, mapping_version, started_at)
    select n.*, $6 from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::integer[]) as n(id, sync, kind, started_by, version)
     where n.id in (select run from chosen union all select run from counted)
    on conflict (id) do nothing
), entered as (
    insert into flow.run_record (sync, entity, record, revision, round, run, outcome, reason, entered_at, ended_at)
    select c.sync, c.entity, c.record, c.revision,
           coalesce((select max(r.round) + 1 from flow.run_record r
                      where (r.sync, r.entity, r.record, r.revision) = (c.sync, c.entity, c.record, c.revision)), 0)
           + row_number() over (partition by c.sync, c.entity, c.record, c.revision order by c.run) - 1,
           c.run, c.outcome, c.reason, $6, case when c.outcome <> 'waiting' then $6::timestamptz end
      from chosen c
), summed as (
    select run, 'entered' as outcome, count(*) as records from chosen group by run
    union all select run, 'entered', sum(records)::bigint from counted group by run
    union all select * from counted
)
select flow.count_runs(array_agg(run), array_agg(outcome), array_agg(''::text), array_agg(records), $6) from summed having count(*) > 0
"""

_CALLED = """
select flow.count_runs(array_agg(n.run), array_agg('called'::text), array_agg(c.vendor), array_agg(n.calls), $4)
  from unnest($1::text[], $2::text[], $3::bigint[]) as n(run, connection, calls)
  join core.connection c on c.id = n.connection join flow.run r on r.id = n.run having count(*) > 0
"""

_SAID = """
given as materialized (
    select n.* from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::boolean[])
                    as n(sync, entity, record, revision, did, ended, reason, late)
), line as materialized (
    select g.sync, g.entity, g.record, g.revision, g.did, g.reason, g.late, r.round, r.outcome as before,
           -- Written, and something newer of the same record has its end at once: then it is over as well.
           case when g.ended = '' and exists (
                     select from given o where (o.sync, o.entity, o.record) = (g.sync, g.entity, g.record)
                        and o.revision > g.revision and o.ended not in ('', 'superseded')) then 'superseded' else g.ended end as ended,
           case when 'added' in (g.did, r.did) then 'added' when 'updated' in (g.did, r.did) then 'updated'
                when 'removed' in (g.did, r.did) then 'removed' else '' end as done
      from given g left join lateral (
           select r.round, r.outcome, r.did from flow.run_record r
            where (r.sync, r.entity, r.record, r.revision) = (g.sync, g.entity, g.record, g.revision)
            order by r.round desc limit 1) as r on true
), next as materialized (
    select l.sync, l.entity, l.record, l.revision, l.did, l.round, l.before, l.late, l.ended, l.done,
           case when l.ended = 'failed' then 'failed'
                when l.done <> '' and (l.ended <> '' or (l.late and l.before <> 'waiting')) then l.done
                when l.ended <> '' then l.ended
                else 'waiting' end as outcome,
           case when l.ended = 'failed' or (l.ended = 'skipped' and l.done = '') then l.reason else '' end as reason
      from line l
)
"""

_SPEAK = f"""
with {_SAID}, spoken as (
    update flow.run_record r
       set did = n.done, outcome = n.outcome, reason = n.reason,
           ended_at = case when n.outcome = 'waiting' then null else $9::timestamptz end
      from next n
     where (r.sync, r.entity, r.record, r.revision, r.round) = (n.sync, n.entity, n.record, n.revision, n.round)
       -- What had failed stays so when something newer comes; what a look or a late answer has proved puts right whatever was said.
       and (n.before = 'waiting' or n.late or (n.before = 'failed' and n.ended <> 'superseded'))
), unasked as materialized (
    select n.sync, n.entity, n.record, n.revision, coalesce(n.round + 1, 0) as round, n.did, n.reason,
           coalesce((select s.name from core.sync s where s.id = n.sync), n.sync) || '.live.' || $10 as run,
           case when n.ended = 'failed' then 'failed' when n.ended = '' and not n.late then 'waiting' else n.did end as outcome
      from next n
     where (n.before is null or (n.before not in ('waiting', 'failed') and not n.late)) and (n.did <> '' or n.ended = 'failed')
), begun as (
    insert into flow.run (id, sync, kind, started_by, started_at)
    select distinct run, sync, 'live', 'webhook', $9::timestamptz from unasked order by run
    on conflict (id) do nothing
), entered as (
    insert into flow.run_record (sync, entity, record, revision, round, run, outcome, did, reason, entered_at, ended_at)
    select u.sync, u.entity, u.record, u.revision, u.round, u.run, u.outcome, u.did, u.reason, $9,
           case when u.outcome <> 'waiting' then $9::timestamptz end
      from unasked u
), older as materialized (
    -- Wishes that nobody was to end: they were replaced while somebody worked on an older one still. Looked up record by record: with a
    -- long queue, the planner would go through all that waits.
    select w.* from given g cross join lateral (
           select r.sync, r.entity, r.record, r.revision, r.round from flow.run_record r
            where (r.sync, r.entity, r.record) = (g.sync, g.entity, g.record) and r.outcome = 'waiting' and r.revision < g.revision
              and g.ended not in ('', 'superseded') offset 0) as w
), passed as (
    update flow.run_record r
       set outcome = case when r.did <> '' then r.did else 'superseded' end, ended_at = $9
      from older o
     where (r.sync, r.entity, r.record, r.revision, r.round) = (o.sync, o.entity, o.record, o.revision, o.round)
       and not exists (select from given g where (g.sync, g.entity, g.record, g.revision) = (o.sync, o.entity, o.record, o.revision))
)
select flow.count_runs(array_agg(run), array_agg('entered'::text), array_agg(''::text), array_agg(records), $9)
  from (select run, count(*) as records from unasked group by run) as u having count(*) > 0
"""  # noqa: S608 - a constant of ours

_AGAIN = """
update flow.run_record r set outcome = 'waiting', reason = '', ended_at = null
  from unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) as k(sync, entity, record, revision)
 where (r.sync, r.entity, r.record, r.revision) = (k.sync, k.entity, k.record, k.revision) and r.outcome = 'failed'
   and not exists (select from flow.run_record o where (o.sync, o.entity, o.record, o.revision)
                      = (r.sync, r.entity, r.record, r.revision) and o.round > r.round)
"""
