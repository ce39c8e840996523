-- The run ledger: a run is a row from its start, a record (of live changes: a change) that enters it is a row, and its end is stored in the
-- transaction that ends it. How many ended how is counted as it changes, in slots that no two transactions share (as flow.work_count is).

create table flow.run (
    -- The sync's name, then what it is: `customers.live.2026-11-27`, `customers.v3`, `customers.archive.12`.
    id              text        primary key,
    sync            text        not null,
    kind            text        not null,
    started_by      text        not null default '',
    mapping_version integer,
    started_at      timestamptz not null,
    -- Nothing enters it any more; a day of live changes is over by itself.
    closed_at       timestamptz,
    -- Counted from the journal, by the release that had no ledger.
    before_ledger   boolean     not null default false
);
create index run_of_sync on flow.run (sync, started_at desc, id desc);
create index run_by_start on flow.run (started_at desc, id desc);
create sequence flow.run_number;

create table flow.run_record (
    sync       text        not null,
    entity     text        not null,
    record     text        not null,
    revision   bigint      not null,
    -- Raised when a revision that has ended is worked on once more: by a run that takes everything, or by a write that nobody's change asked for.
    round      smallint    not null default 0,
    run        text        not null,
    outcome    text        not null check (outcome in (
        'waiting', 'added', 'updated', 'removed', 'unchanged', 'skipped', 'failed', 'superseded')),
    -- What has been written of it so far: that is its end, unless it fails.
    did        text        not null default '' check (did in ('', 'added', 'updated', 'removed')),
    reason     text        not null default '',
    entered_at timestamptz not null,
    ended_at   timestamptz,
    primary key (sync, entity, record, revision, round)
);
create index run_record_of_run on flow.run_record (run, outcome, entity, record, revision, round);
create index run_record_waiting on flow.run_record (sync, entity, record, revision) where outcome = 'waiting';

-- `entered` is counted by whoever lets records in, every other outcome from the rows above: the books close when both agree.
create table flow.run_count (
    run     text     not null,
    slot    smallint not null,
    outcome text     not null,
    reason  text     not null,
    records bigint   not null default 0,
    last_at timestamptz,
    primary key (run, slot, outcome, reason)
) with (fillfactor = 50);

create function flow.count_runs(p_runs text[], p_outcomes text[], p_reasons text[], p_records bigint[], p_at timestamptz)
returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    mine smallint := flow.work_slot();
begin
    insert into flow.run_count as c (run, slot, outcome, reason, records, last_at)
    select n.run, mine, n.outcome, n.reason, sum(n.records), p_at
      from unnest(p_runs, p_outcomes, p_reasons, p_records) as n(run, outcome, reason, records)
     group by n.run, n.outcome, n.reason having sum(n.records) <> 0
     order by n.run, n.outcome, n.reason
    on conflict (run, slot, outcome, reason) do update
       set records = c.records + excluded.records, last_at = greatest(c.last_at, excluded.last_at);
end
$$;

create function flow.count_run_records() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if tg_op = 'INSERT' then
        perform flow.count_runs(array_agg(c.run), array_agg(c.outcome), array_agg(c.reason), array_agg(c.records), max(c.at))
           from (select run, outcome, reason, count(*) as records, max(coalesce(ended_at, entered_at)) as at
                   from fresh group by run, outcome, reason) as c
         having count(*) > 0;
    else
        perform flow.count_runs(array_agg(c.run), array_agg(c.outcome), array_agg(c.reason), array_agg(c.records), max(c.at))
           from (select run, outcome, reason, sum(sign) as records, max(at) as at
                   from (select run, outcome, reason, 1 as sign, coalesce(ended_at, entered_at) as at from fresh
                         union all select run, outcome, reason, -1, null from former) as changed
                  group by run, outcome, reason having sum(sign) <> 0) as c
         having count(*) > 0;
    end if;
    return null;
end
$$;

-- What a retry of a person opens again, and the runs that a person starts.
grant insert, update on flow.run to millrace_console;
grant usage on sequence flow.run_number to millrace_console;
grant update (outcome, reason, ended_at) on flow.run_record to millrace_console;
-- Counts are written by functions only.
revoke insert, update on flow.run_count from millrace_service;
revoke execute on function flow.count_run_records() from millrace_service;

-- What takes a record away says so.
alter table flow.write_intent drop constraint write_intent_counts_as_check;
alter table flow.write_intent add constraint write_intent_counts_as_check check (counts_as in ('added', 'updated', 'removed'));
update flow.write_intent set counts_as = 'removed' where state = 'sent' and action = 'archive';

-- Nobody asks for these: each costs every work item and every row of the journal an entry.
drop index flow.work_item_of_run;
drop index flow.journal_of_run;

-- What histories knew until now, of ninety days: each record by the last revision that a run gave it.
create temporary table judged on commit drop as
with raised as (
    select j.sync, case when j.event_id = '' then 'mapping' else 'live' end as kind,
           case when j.event_id = '' then 'v' || j.mapping_version else 'live.' || (j.at at time zone 'UTC')::date end as name,
           j.entity, j.record, min(j.revision) as lowest, max(j.revision) as revision, min(j.at) as first, max(j.at) as last,
           max(j.mapping_version) as mapping_version
      from flow.journal j
     where j.sync <> '' and j.step in ('mapped', 'filtered') and j.at >= now() - interval '90 days'
     group by 1, 2, 3, 4, 5
), ended as (
    select sync, record, revision, bool_or(step = 'applied') as applied,
           bool_or(step = 'applied' and details ->> 'action' = 'create') as created, max(at) as at,
           (array_agg(step order by id desc) filter (where step <> 'applied'))[1] as step,
           (array_agg(reason order by id desc) filter (where step <> 'applied'))[1] as reason
      from flow.journal
     where sync <> '' and at >= now() - interval '90 days'
       and step in ('applied', 'unchanged', 'skipped', 'dead', 'parked', 'discarded', 'superseded')
     group by sync, record, revision
), made as (
    select distinct r.sync, r.name, r.record from raised r
      join ended a on a.created and (a.sync, a.record) = (r.sync, r.record) and a.revision between r.lowest and r.revision
)
select r.sync, r.kind, r.name, r.entity, r.record, r.revision, r.first, r.mapping_version, greatest(r.last, e.at) as last,
       w.revision = r.revision and w.state in ('dead', 'parked') as stuck,
       case when w.revision = r.revision and w.state in ('ready', 'leased', 'hold', 'waiting') then 'waiting'
            when w.revision = r.revision and w.state in ('dead', 'parked') then 'failed'
            when m.record is not null then 'added'
            when e.applied then 'updated'
            when e.step in ('skipped', 'unchanged', 'superseded') then e.step
            when e.step is not null then 'failed'
            when w.revision > r.revision then 'superseded'
            when n.published_revision >= r.revision and n.changed_at < now() - interval '5 minutes' then 'unaccounted'
            else 'waiting' end as outcome,
       coalesce(case when w.revision = r.revision and w.state in ('dead', 'parked') then w.code
                     when e.step in ('skipped', 'dead', 'parked') then e.reason end, '') as reason
  from raised r
  left join made m on (m.sync, m.name, m.record) = (r.sync, r.name, r.record)
  left join flow.work_item w on (w.sync, w.entity, w.record) = (r.sync, r.entity, r.record)
  left join flow.wanted n on (n.sync, n.entity, n.record) = (r.sync, r.entity, r.record)
  left join ended e on (e.sync, e.record, e.revision) = (r.sync, r.record, r.revision);

create temporary table heard on commit drop as
select w.sync, 'live.' || h.day as name, h.record, h.first
  from (select connection, entity, record, (at at time zone 'UTC')::date as day, min(at) as first from flow.journal
         where at >= now() - interval '90 days' and step in ('received', 'duplicate', 'stale', 'asked') group by 1, 2, 3, 4) as h
  join flow.wanted w on (w.connection, w.entity, w.record) = (h.connection, h.entity, h.record);

create temporary table known_run on commit drop as
with remapped as (
    select r.sync, 'v' || r.mapping_version as name, r.mapping_version, min(r.started_at) as started_at,
           case when bool_and(r.finished_at is not null) then max(r.finished_at) end as finished_at, sum(r.seen) as seen
      from flow.remap r group by r.sync, r.mapping_version
), live as (
    select coalesce(h.sync, j.sync) as sync, coalesce(h.name, j.name) as name, min(least(h.first, j.first)) as started_at,
           count(*) as total, count(*) filter (where j.record is null) as quiet
      from heard h full join (select * from judged where kind = 'live') j on (j.sync, j.name, j.record) = (h.sync, h.name, h.record)
     group by 1, 2
)
select sync, 'live' as kind, name, null::integer as mapping_version, started_at, null::timestamptz as closed_at, total, quiet from live
union all
select r.sync, case r.mapping_version when 1 then 'first' else 'remap' end, r.name, r.mapping_version, r.started_at, r.finished_at,
       greatest(r.seen, coalesce(j.raised, 0)), greatest(0, r.seen - coalesce(j.raised, 0))
  from remapped r
  left join (select sync, name, count(*) as raised from judged where kind = 'mapping' group by 1, 2) as j on (j.sync, j.name) = (r.sync, r.name);

insert into flow.run (id, sync, kind, started_by, mapping_version, started_at, closed_at, before_ledger)
select s.name || '.' || k.name, k.sync, k.kind, case k.kind when 'live' then 'webhook' else coalesce(v.created_by, '') end,
       k.mapping_version, k.started_at, k.closed_at, true
  from known_run k join core.sync s on s.id = k.sync
  left join lateral (select created_by from core.mapping_version m where (m.sync, m.version) = (k.sync, k.mapping_version) limit 1) v on true;

insert into flow.run_count (run, slot, outcome, reason, records, last_at)
select s.name || '.' || n.name, 0, n.outcome, n.reason, sum(n.records), max(n.last)
  from (select sync, name, outcome, reason, count(*) as records, max(last) as last from judged where outcome <> 'unaccounted' group by 1, 2, 3, 4
        union all select sync, name, 'unchanged', '', quiet, null from known_run where quiet > 0
        union all select sync, name, 'entered', '', total, null from known_run where total > 0) as n
  join core.sync s on s.id = n.sync
  join flow.run r on r.id = s.name || '.' || n.name
 group by 1, 3, 4;

-- What is open, or can be opened again by a person, goes on counting where it was counted.
insert into flow.run_record (sync, entity, record, revision, run, outcome, reason, entered_at, ended_at)
select distinct on (j.sync, j.entity, j.record, j.revision)
       j.sync, j.entity, j.record, j.revision, r.id, j.outcome, j.reason, j.first, case when j.stuck then j.last end
  from judged j join core.sync s on s.id = j.sync join flow.run r on r.id = s.name || '.' || j.name
 where j.outcome = 'waiting' or j.stuck;

-- Last, so that what was counted above is not counted again.
create trigger run_record_added after insert on flow.run_record
    referencing new table as fresh for each statement execute function flow.count_run_records();
create trigger run_record_changed after update on flow.run_record
    referencing old table as former new table as fresh for each statement execute function flow.count_run_records();
