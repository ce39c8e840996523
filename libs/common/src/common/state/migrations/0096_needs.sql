-- A record may need others: it waits, without attempts, until they are linked (R23).
alter table flow.work_item drop constraint work_item_state_check;
alter table flow.work_item add constraint work_item_state_check
    check (state in ('ready', 'leased', 'hold', 'waiting', 'awaiting', 'parked', 'dead', 'done'));

-- The records of the same source that have to be linked first, by their entity.
alter table flow.work_item add column needs jsonb not null default '{}' check (jsonb_typeof(needs) = 'object');

-- What the first create of a record that is made once has carried: a retry carries the same (R24).
alter table flow.work_item add column first_body jsonb;

-- Who waits, and for what; whoever makes that link takes the row away and opens the work item.
create table flow.work_need (
    sync        text not null,
    entity      text not null,
    record      text not null,
    -- The connection of the source that both are records of.
    source      text not null,
    need_entity text not null,
    need_record text not null,
    primary key (sync, entity, record, need_entity, need_record)
);

create index work_need_of on flow.work_need (need_entity, need_record);

-- A person may make the link that is waited for.
grant delete on flow.work_need to millrace_console;
grant update (code, kind, message) on flow.work_item to millrace_console;

-- Whoever waits for another record is counted as waiting.
do $$
declare
    name text;
    old  text;
    new  text;
begin
    foreach name in array array['flow.count_work()', 'flow.uncount_work()'] loop
        old := pg_get_functiondef(name::regprocedure);
        new := replace(old, '''hold'', ''waiting'')', '''hold'', ''waiting'', ''awaiting'')');
        if new = old then
            raise exception '% does not count states as expected', name;
        end if;
        execute new;
    end loop;
end
$$;
