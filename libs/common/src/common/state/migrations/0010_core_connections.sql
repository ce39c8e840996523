-- Connections, the gates that hold their work back, and what people are told of it.
--
-- A gate is rows: open means no row, so one reason going away never lifts another. The token-broker may set and clear gates by the
-- two functions below and do nothing else here; a gate that closes anew writes its one notification in the same statement.

create table core.config_rev (
    only_row boolean primary key default true check (only_row),
    revision bigint  not null
);
insert into core.config_rev (revision) values (1);

create table core.connection (
    id           text        primary key check (id ~ '^[A-Za-z0-9_-]{1,64}$'),
    vendor       text        not null,
    name         text        not null check (name <> ''),
    state        text        not null default 'connecting' check (state in ('connecting', 'active', 'deleting', 'deleted')),
    -- The vendor's own coordinates (data centre, organisation, realm, shop) and what a probe found out; never a credential.
    details      jsonb       not null default '{}' check (jsonb_typeof(details) = 'object'),
    capabilities jsonb       not null default '[]' check (jsonb_typeof(capabilities) = 'array'),
    created_at   timestamptz not null,
    created_by   text        not null default '',
    updated_at   timestamptz not null,
    tested_at    timestamptz,
    test_result  text        not null default ''
);
create unique index connection_name on core.connection (name) where state <> 'deleted';

create table core.gate (
    connection text        not null references core.connection (id) on delete cascade,
    reason     text        not null check (reason in ('needs_reauth', 'throttled', 'exhausted', 'paused')),
    until      timestamptz,
    code       text        not null default '',
    message    text        not null default '',
    set_at     timestamptz not null,
    set_by     text        not null default '',
    primary key (connection, reason)
);

create table core.notification (
    id          bigint generated always as identity primary key,
    at          timestamptz not null,
    connection  text        references core.connection (id) on delete cascade,
    kind        text        not null,
    code        text        not null default '',
    message     text        not null,
    resolved_at timestamptz,
    read_at     timestamptz,
    read_by     text        not null default ''
);
create index notification_open on core.notification (id) where resolved_at is null;
create index notification_of_connection on core.notification (connection, kind) where resolved_at is null;

-- Every change of the configuration raises the revision and announces it; later tables of the configuration use this function too.
create function core.config_changed() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    update core.config_rev set revision = revision + 1;
    perform pg_notify('config_rev', '');
    return null;
end
$$;

-- Deferred to the commit: the one row of the revision is locked for a moment only, and never in between other locks.
create constraint trigger connection_changed after insert or update or delete on core.connection
    deferrable initially deferred for each row execute function core.config_changed();
create constraint trigger gate_changed after insert or update or delete on core.gate
    deferrable initially deferred for each row execute function core.config_changed();

-- Closes a gate, or tells more of one that is closed; true when it was open for this reason until now.
create function core.set_gate(
    p_connection text, p_reason text, p_until timestamptz, p_at timestamptz, p_code text, p_message text
) returns boolean language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    fresh boolean;
begin
    if session_user = 'millrace_broker' and p_reason = 'paused' then
        raise insufficient_privilege using message = 'pausing a connection is for people';
    end if;
    -- A connection that is just being made, or was deleted meanwhile, has no gate to close.
    perform from core.connection where id = p_connection and state <> 'deleted' for key share;
    if not found then
        return false;
    end if;
    insert into core.gate (connection, reason, until, code, message, set_at, set_by)
    values (p_connection, p_reason, p_until, p_code, p_message, p_at, session_user)
    on conflict (connection, reason) do nothing;
    fresh := found;
    if fresh then
        insert into core.notification (at, connection, kind, code, message)
        values (p_at, p_connection, 'gate.' || p_reason, p_code, p_message);
    else
        update core.gate set until = p_until, code = p_code, message = p_message
         where connection = p_connection and reason = p_reason
           and (until, code, message) is distinct from (p_until, p_code, p_message);
    end if;
    return fresh;
end
$$;

-- Lifts one reason and no other; true when it was there.
create function core.clear_gate(p_connection text, p_reason text, p_at timestamptz)
returns boolean language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    lifted boolean;
begin
    if session_user = 'millrace_broker' and p_reason = 'paused' then
        raise insufficient_privilege using message = 'pausing a connection is for people';
    end if;
    delete from core.gate where connection = p_connection and reason = p_reason;
    lifted := found;
    if lifted then
        update core.notification set resolved_at = p_at
         where connection = p_connection and kind = 'gate.' || p_reason and resolved_at is null;
    end if;
    return lifted;
end
$$;

-- Triggers run it; nobody calls it.
revoke execute on function core.config_changed() from millrace_console;
grant execute on function core.set_gate(text, text, timestamptz, timestamptz, text, text) to millrace_broker;
grant execute on function core.clear_gate(text, text, timestamptz) to millrace_broker;
-- The revision is raised by the trigger alone.
revoke insert, update, delete on core.config_rev from millrace_console;
