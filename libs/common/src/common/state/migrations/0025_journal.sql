-- The journal: append-only, one partition a month, written in the transaction of what it tells of.

create table flow.journal (
    id                bigint generated always as identity,
    at                timestamptz not null,
    step              text        not null check (step in (
        'received', 'duplicate', 'stale', 'echo', 'asked', 'filtered', 'mapped', 'superseded', 'attempt', 'applied', 'unchanged',
        'skipped', 'held', 'settled', 'audited', 'waiting', 'parked', 'dead', 'replayed', 'discarded', 'linked', 'unlinked', 'consent'
    )),
    reason            text        not null default '',
    words             text        not null default '',
    sync              text        not null default '',
    connection        text        not null default '',
    entity            text        not null default '',
    record            text        not null default '',
    event_id          text        not null default '',
    run               text        not null default '',
    revision          bigint,
    mapping_version   integer,
    attempt           text        not null default '',
    trace_id          text        not null default '',
    target_key        text        not null default '',
    vendor_status     integer,
    vendor_code       text        not null default '',
    vendor_request_id text        not null default '',
    duration_ms       double precision,
    before            jsonb,
    after             jsonb,
    patch             jsonb,
    details           jsonb,
    who               text        not null default '',
    primary key (id, at)
) partition by range (at);

create index journal_of_record on flow.journal (connection, entity, record, id);
create index journal_of_sync on flow.journal (sync, id) where sync <> '';
create index journal_of_run on flow.journal (run, id) where run <> '';
create index journal_of_attempt on flow.journal (attempt) where attempt <> '';
create index journal_of_target on flow.journal (target_key, id) where target_key <> '';

-- Catches what no month was made for, such as a test's clock in another year: nothing is ever refused.
create table flow.journal_other partition of flow.journal default;

-- Services may add rows and months, and change nothing.
revoke update, delete on flow.journal from millrace_service;
revoke insert, update, delete on flow.journal_other from millrace_service;

create function flow.make_journal_month(moment timestamptz) returns void
    language plpgsql security definer set search_path = pg_catalog as $$
declare
    first_day date := date_trunc('month', moment at time zone 'UTC')::date;
    name      text := 'journal_' || to_char(date_trunc('month', moment at time zone 'UTC'), 'YYYY_MM');
begin
    perform pg_advisory_xact_lock(hashtext('flow.make_journal_month'));
    if to_regclass('flow.' || name) is not null then
        return;
    end if;
    -- A month that already has rows in the catch-all stays there: moving them would lock the journal.
    if exists (select from flow.journal_other
               where at >= first_day::timestamp at time zone 'UTC'
                 and at < (first_day + interval '1 month')::timestamp at time zone 'UTC') then
        return;
    end if;
    execute format(
        'create table flow.%I partition of flow.journal for values from (%L) to (%L)',
        name, first_day::text || ' 00:00:00+00', (first_day + interval '1 month')::date::text || ' 00:00:00+00');
    execute format('revoke insert, update, delete on flow.%I from millrace_service', name);
end
$$;

select flow.make_journal_month(now());
select flow.make_journal_month(now() + interval '1 month');
