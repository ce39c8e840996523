-- A gate may be about what one leg of a sync writes to an account: its place is `#sync/leg`, and it lapses by itself (decision 86). What has
-- lapsed, and was not closed anew since, is taken away with what people were told of it.
create function core.open_lapsed(p_before timestamptz, p_at timestamptz) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    opened text[];
begin
    with lapsed as (
        delete from core.gate where reason = 'refused' and starts_with(place, '#') and until < p_before returning connection
    )
    select array_agg(connection) into opened from lapsed;
    update core.notification n set resolved_at = p_at
     where n.connection = any(opened) and n.kind = 'gate.refused' and n.resolved_at is null
       and not exists (select from core.gate g where g.connection = n.connection and g.reason = 'refused');
end
$$;
grant execute on function core.open_lapsed(timestamptz, timestamptz) to millrace_service;
revoke execute on function core.open_lapsed(timestamptz, timestamptz) from millrace_console;
