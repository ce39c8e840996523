-- An account that lets us in again is known by nothing: links under a name that took an address's place lead nowhere, and are found anew by the
-- address. What is known by a key of its own, such as an order, stays linked, so that nothing is made a second time.
create or replace function flow.account_returned(p_connection text, p_at timestamptz) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_account text;
begin
    select coalesce(nullif(account, ''), id) into v_account from core.connection where id = p_connection;
    delete from flow.pair p using flow.record_state s
     where p.left_account = v_account and starts_with(p.right_key, 'redacted:')
       and (s.connection, s.entity, s.record) = (p_connection, p.left_entity, p.left_id) and s.redacted = 'account';
    delete from flow.target_owner o using core.leg l, flow.record_state s
     where starts_with(o.key, 'redacted:') and (l.sync, l.name) = (o.sync, o.entity) and l.source_connection = p_connection
       and (s.connection, s.entity, s.record) = (p_connection, l.source_entity, o.record) and s.redacted = 'account';
    update flow.record_state set redacted = '', told = '{}', sequence = '', detail = '', existence_at = null, deleted = false
     where connection = p_connection and redacted = 'account';
    update flow.poll set cursor = '', whole_at = null, next_at = least(next_at, p_at) where connection = p_connection;
end
$$;
