-- A notice for people that closes nothing; one that still stands is not told again.
create function core.tell(p_connection text, p_kind text, p_code text, p_message text, p_at timestamptz)
returns boolean language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform from core.connection where id = p_connection and state <> 'deleted' for no key update;
    if not found or exists (select from core.notification
                             where (connection, kind, code, message) = (p_connection, p_kind, p_code, p_message) and resolved_at is null) then
        return false;
    end if;
    insert into core.notification (at, connection, kind, code, message) values (p_at, p_connection, p_kind, p_code, p_message);
    return true;
end
$$;

-- The reason is gone.
create function core.untell(p_connection text, p_kind text, p_at timestamptz) returns void
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    update core.notification set resolved_at = p_at where connection = p_connection and kind = p_kind and resolved_at is null
$$;
revoke execute on function core.tell(text, text, text, text, timestamptz) from public;
revoke execute on function core.untell(text, text, timestamptz) from public;
grant execute on function core.tell(text, text, text, text, timestamptz) to millrace_service;
grant execute on function core.untell(text, text, timestamptz) to millrace_service;
