-- What keeps the database from growing and lists from counting: when each table was tidied last, the functions that take journal months
-- away, and how much work waits for each sync, counted as it changes.

-- One row for each table that has a keeper. Whoever tidies holds the lease, by the database's own time; a crash lets it run out.
create table flow.upkeep (
    job         text        primary key,
    began_at    timestamptz,
    ended_at    timestamptz,
    -- In the run that began last.
    removed     bigint      not null default 0,
    message     text        not null default '',
    token       uuid,
    lease_until timestamptz
);
grant insert, update on flow.upkeep to millrace_console;

create index notification_over on core.notification (coalesce(resolved_at, read_at)) where coalesce(resolved_at, read_at) is not null;
create index quarantine_age on flow.quarantine (received_at);
-- Empty unless months were missing.
create index journal_other_age on flow.journal_other (at);

-- The journal is append-only for services: only whole months leave it, and rows of the catch-all, never younger than a month by the
-- database's own clock, whatever the caller believes the time to be. One month a call: its lock is held for as long as a file is deleted.
create function flow.drop_journal_month(p_before timestamptz) returns text
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '2s' as $$
declare
    before timestamptz := least(p_before, clock_timestamp() - interval '31 days');
    oldest text;
begin
    select c.relname into oldest from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = 'flow.journal'::regclass and c.relname ~ '^journal_[0-9]{4}_[0-9]{2}$'
       and c.relname < 'journal_' || to_char(before at time zone 'UTC', 'YYYY_MM')
     order by c.relname limit 1;
    if oldest is not null then
        execute format('drop table flow.%I', oldest);
    end if;
    return oldest;
end
$$;

create function flow.forget_journal_rows(p_before timestamptz, p_most integer) returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    gone bigint;
begin
    delete from flow.journal_other where ctid = any(array(
        select ctid from flow.journal_other where at < least(p_before, clock_timestamp() - interval '31 days') order by at limit p_most));
    get diagnostics gone = row_count;
    return gone;
end
$$;

-- How much work each sync has, kept as it changes: counting a million rows for a list takes longer than anybody looks at it. Each
-- transaction writes into a slot that nobody else has just now, so no two wait for each other; the sum over the slots is exact.
create table flow.work_count (
    sync    text     not null,
    slot    smallint not null,
    waiting bigint   not null default 0,
    stuck   bigint   not null default 0,
    primary key (sync, slot)
) with (fillfactor = 50);

create function flow.work_slot() returns smallint language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    own integer := pg_backend_pid() % 128;
begin
    for step in 0 .. 127 loop
        if pg_try_advisory_xact_lock(hashtext('flow.work_count'), (own + step) % 128) then
            return (own + step) % 128;
        end if;
    end loop;
    -- More transactions than slots: some wait.
    return own;
end
$$;

create function flow.count_work() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    mine smallint;
    one  record;
begin
    if tg_op = 'TRUNCATE' then
        delete from flow.work_count;
        return null;
    elsif tg_op = 'INSERT' then
        for one in
            select sync, count(*) filter (where state in ('ready', 'leased', 'hold', 'waiting')) as waiting,
                   count(*) filter (where state in ('dead', 'parked')) as stuck from fresh group by sync order by sync
        loop
            mine := coalesce(mine, flow.work_slot());
            insert into flow.work_count as c values (one.sync, mine, one.waiting, one.stuck)
                on conflict (sync, slot) do update set waiting = c.waiting + excluded.waiting, stuck = c.stuck + excluded.stuck;
        end loop;
    else
        for one in
            select sync, sum(sign) filter (where state in ('ready', 'leased', 'hold', 'waiting')) as waiting,
                   sum(sign) filter (where state in ('dead', 'parked')) as stuck
              from (select sync, state, 1 as sign from fresh union all select sync, state, -1 from former) as changed
             group by sync
            having sum(sign) filter (where state in ('ready', 'leased', 'hold', 'waiting')) <> 0
                or sum(sign) filter (where state in ('dead', 'parked')) <> 0
             order by sync
        loop
            mine := coalesce(mine, flow.work_slot());
            insert into flow.work_count as c values (one.sync, mine, coalesce(one.waiting, 0), coalesce(one.stuck, 0))
                on conflict (sync, slot) do update set waiting = c.waiting + excluded.waiting, stuck = c.stuck + excluded.stuck;
        end loop;
    end if;
    return null;
end
$$;

create function flow.uncount_work() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    mine smallint;
    one  record;
begin
    for one in
        select sync, count(*) filter (where state in ('ready', 'leased', 'hold', 'waiting')) as waiting,
               count(*) filter (where state in ('dead', 'parked')) as stuck from former group by sync order by sync
    loop
        mine := coalesce(mine, flow.work_slot());
        insert into flow.work_count as c values (one.sync, mine, -one.waiting, -one.stuck)
            on conflict (sync, slot) do update set waiting = c.waiting + excluded.waiting, stuck = c.stuck + excluded.stuck;
    end loop;
    return null;
end
$$;

-- The triggers come first: their lock keeps writers out until the count of what is there is committed with them.
create trigger work_item_added after insert on flow.work_item
    referencing new table as fresh for each statement execute function flow.count_work();
create trigger work_item_changed after update on flow.work_item
    referencing old table as former new table as fresh for each statement execute function flow.count_work();
create trigger work_item_removed after delete on flow.work_item
    referencing old table as former for each statement execute function flow.uncount_work();
create trigger work_item_emptied after truncate on flow.work_item for each statement execute function flow.count_work();

insert into flow.work_count
select sync, 0, count(*) filter (where state in ('ready', 'leased', 'hold', 'waiting')), count(*) filter (where state in ('dead', 'parked'))
  from flow.work_item group by sync;

-- Triggers run these; nobody calls them, and nobody writes the counts himself.
revoke execute on function flow.work_slot(), flow.count_work(), flow.uncount_work() from millrace_service;
revoke insert, update, delete on flow.work_count from millrace_service;
