-- A running sync whose records a vendor's own sync keeps as well: its writes wait until a person has decided, and it is told once.
create function core.pause_sync(p_sync text, p_connection text, p_kind text, p_code text, p_message text, p_at timestamptz)
returns boolean language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    update core.sync set state = 'paused', updated_at = p_at where id = p_sync and state = 'active';
    if not found then
        return false;
    end if;
    perform core.tell(p_connection, p_kind, p_code, p_message, p_at);
    return true;
end
$$;
revoke execute on function core.pause_sync(text, text, text, text, text, timestamptz) from public;
grant execute on function core.pause_sync(text, text, text, text, text, timestamptz) to millrace_service;
