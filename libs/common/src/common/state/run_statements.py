"""The statements of the run ledger (`runs.py`): what enters, what is said of it, what is tried once more."""

BEGIN = """
insert into flow.run (id, sync, kind, started_by, mapping_version, started_at)
select n.*, $6 from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::integer[]) as n
on conflict (id) do nothing
"""

# What enters is counted from what was given, what became of it from the rows: the two must agree.
ENTER = """
with given as materialized (
    -- With its limit, so that each record is looked up: the planner would read the whole table for a batch.
    select n.*, m.met is not null as met
      from unnest($7::text[], $8::text[], $9::text[], $10::bigint[], $11::text[], $12::text[], $13::text[], $14::text[])
           as n(sync, entity, record, revision, run, outcome, reason, otherwise)
      left join lateral (
           select true as met from flow.run_record r
            where r.sync = n.sync and r.entity = n.entity and r.record = n.record and r.run = n.run and n.otherwise <> n.run limit 1) as m on true
), chosen as materialized (
    -- What needs nothing because it was tried before has the end that it had then: left alone, or with a person who has not decided yet.
    select g.sync, g.entity, g.record, g.revision, case when g.met then g.otherwise else g.run end as run,
           coalesce(w.outcome, g.outcome) as outcome, coalesce(w.reason, g.reason) as reason
      from given g left join lateral (
           select case i.state when 'done' then 'skipped' else 'failed' end as outcome,
                  case i.state when 'done' then i.reason else i.code end as reason
             from flow.work_item i
            where (i.sync, i.entity, i.record) = (g.sync, g.entity, g.record) and g.outcome = 'unchanged'
              and (i.state in ('dead', 'parked') or (i.state = 'done' and i.outcome = 'skipped')) limit 1) as w on true
     where not g.met or g.otherwise <> ''
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

CALLED = """
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

SPEAK = f"""
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

AGAIN = """
update flow.run_record r set outcome = 'waiting', reason = '', ended_at = null
  from unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) as k(sync, entity, record, revision)
 where (r.sync, r.entity, r.record, r.revision) = (k.sync, k.entity, k.record, k.revision) and r.outcome = 'failed'
   and not exists (select from flow.run_record o where (o.sync, o.entity, o.record, o.revision)
                      = (r.sync, r.entity, r.record, r.revision) and o.round > r.round)
"""
