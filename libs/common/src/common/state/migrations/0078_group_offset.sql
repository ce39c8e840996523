-- R27: how far each consumer group is, stored in the transaction of the batch itself, so that a database that was put back to an older state
-- is seen by comparing it with what Kafka was told; and the gate that closes then.

create table flow.group_offset (
    consumer_group text        not null,
    topic          text        not null,
    partition      integer     not null,
    -- Raised whenever the place was set by hand or begun anew: a batch of before then counts no more.
    era            bigint      not null,
    next_offset    bigint      not null,
    changed_at     timestamptz not null default now(),
    primary key (consumer_group, topic, partition)
);

-- What every era is above; going on after the database went back lifts it over all that Kafka may have been told.
create table flow.offset_era (
    only_row boolean primary key default true check (only_row),
    era      bigint  not null
);
insert into flow.offset_era (era) values (0);

alter table core.gate drop constraint gate_reason_check;
alter table core.gate add constraint gate_reason_check
    check (reason in ('needs_reauth', 'throttled', 'exhausted', 'paused', 'vendor_away', 'refused', 'restored'));

-- Closes the gate of every connection; true when any of them was open until now. One notification, whatever their number.
create function core.close_restored(p_at timestamptz, p_code text, p_message text)
returns boolean language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    fresh boolean;
begin
    insert into core.gate (connection, reason, code, message, set_at, set_by)
    select id, 'restored', p_code, p_message, p_at, session_user from core.connection where state <> 'deleted' order by id
    on conflict do nothing;
    fresh := found;
    if fresh and not exists (select from core.notification where kind = 'gate.restored' and resolved_at is null) then
        insert into core.notification (at, kind, code, message) values (p_at, 'gate.restored', p_code, p_message);
    end if;
    return fresh;
end
$$;

-- For a person who knows what it means: every group goes on where the database says, and all gates of this reason open.
create function core.lift_restored(p_at timestamptz)
returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    above bigint;
begin
    update flow.offset_era set era = greatest(era, (select coalesce(max(g.era), 0) from flow.group_offset g)) + 1000000
     returning era into above;
    update flow.group_offset set era = above, changed_at = now();
    delete from core.gate where reason = 'restored';
    update core.notification set resolved_at = p_at where kind = 'gate.restored' and resolved_at is null;
end
$$;

grant execute on function core.close_restored(timestamptz, text, text) to millrace_service;
revoke execute on function core.close_restored(timestamptz, text, text) from millrace_console;
