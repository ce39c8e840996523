-- Two more reasons why everything waits: the vendor as a whole is away (`vendor_away`, which a probe opens), or it refuses the account or
-- one place of it (`refused`, which a person opens). Neither is any record's fault.

alter table core.gate drop constraint gate_reason_check;
alter table core.gate add constraint gate_reason_check
    check (reason in ('needs_reauth', 'throttled', 'exhausted', 'paused', 'vendor_away', 'refused'));

-- A gate may be about one place of the account (an audience that is gone): the others go on. Empty: about the whole connection.
alter table core.gate add column place text not null default '';
alter table core.gate drop constraint gate_pkey;
alter table core.gate add primary key (connection, reason, place);

-- Who may close what: the broker no gate of people, a service only what it meets on its own calls.
create function core.may_gate(p_reason text) returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if session_user = 'millrace_broker' and p_reason in ('paused', 'vendor_away', 'refused')
        or session_user = 'millrace_service' and p_reason not in ('vendor_away', 'refused') then
        raise insufficient_privilege using message = 'this gate is not for ' || session_user;
    end if;
end
$$;

create function core.set_gate(
    p_connection text, p_reason text, p_until timestamptz, p_at timestamptz, p_code text, p_message text, p_place text
) returns boolean language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    fresh boolean;
begin
    perform core.may_gate(p_reason);
    -- A connection that is just being made, or was deleted meanwhile, has no gate to close.
    perform from core.connection where id = p_connection and state <> 'deleted' for key share;
    if not found then
        return false;
    end if;
    insert into core.gate (connection, reason, place, until, code, message, set_at, set_by)
    values (p_connection, p_reason, p_place, p_until, p_code, p_message, p_at, session_user)
    on conflict (connection, reason, place) do nothing;
    fresh := found;
    if fresh then
        insert into core.notification (at, connection, kind, code, message)
        values (p_at, p_connection, 'gate.' || p_reason, p_code, p_message);
    else
        update core.gate set until = p_until, code = p_code, message = p_message
         where connection = p_connection and reason = p_reason and place = p_place
           and (until, code, message) is distinct from (p_until, p_code, p_message);
    end if;
    return fresh;
end
$$;

create or replace function core.set_gate(
    p_connection text, p_reason text, p_until timestamptz, p_at timestamptz, p_code text, p_message text
) returns boolean language sql security definer set search_path = pg_catalog, pg_temp as $$
    select core.set_gate(p_connection, p_reason, p_until, p_at, p_code, p_message, '')
$$;

-- Lifts one reason and no other, in all places; true when it was there.
create or replace function core.clear_gate(p_connection text, p_reason text, p_at timestamptz)
returns boolean language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    lifted boolean;
begin
    perform core.may_gate(p_reason);
    delete from core.gate where connection = p_connection and reason = p_reason;
    lifted := found;
    if lifted then
        update core.notification set resolved_at = p_at
         where connection = p_connection and kind = 'gate.' || p_reason and resolved_at is null;
    end if;
    return lifted;
end
$$;

grant execute on function core.set_gate(text, text, timestamptz, timestamptz, text, text, text) to millrace_service;
grant execute on function core.clear_gate(text, text, timestamptz) to millrace_service;
revoke execute on function core.may_gate(text) from millrace_console;

-- When a vendor that is away is asked next: one replica of one service takes the turn, and each turn lies further ahead.
create table flow.vendor_probe (
    connection text        primary key,
    vendor     text        not null,
    turns      integer     not null default 0,
    due_at     timestamptz not null
);

-- A person who resumes a connection ends its probes too.
grant delete on flow.vendor_probe to millrace_console;
