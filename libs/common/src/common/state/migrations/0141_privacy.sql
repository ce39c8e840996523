-- What persons ask of the merchant by way of a vendor: what is kept of them, or that nothing is kept any more. Only ids stand here, never a name.
create table flow.privacy_request (
    -- The receipt's, which is a function of what was sent: what comes twice is asked once.
    id          text        primary key,
    connection  text        not null,
    kind        text        not null check (kind in ('export', 'redact', 'redact_account')),
    -- The vendor's own number of it, for the merchant.
    reference   text        not null default '',
    entities    text[]      not null,
    records     text[]      not null,
    state       text        not null default 'open' check (state in ('open', 'done', 'refused')),
    received_at timestamptz not null,
    -- Redaction is a job: how far it is, which round it is in, and how many records it found in use.
    next_at     timestamptz not null,
    cursor      text        not null default '',
    round       integer     not null default 0,
    in_use      bigint      not null default 0,
    redacted    bigint      not null default 0,
    closed_at   timestamptz,
    closed_by   text        not null default '',
    words       text        not null default '',
    check (cardinality(entities) = cardinality(records)),
    check ((state = 'open') = (closed_at is null))
);
create index privacy_request_due on flow.privacy_request (next_at) where state = 'open' and kind <> 'export';
create index privacy_request_at on flow.privacy_request (received_at, id);
create index privacy_request_closed on flow.privacy_request (closed_at) where state <> 'open';
grant update (state, closed_at, closed_by) on flow.privacy_request to millrace_console;

-- What was redacted stays known by its id and its versions, so that whatever is read again is old; its values are taken from nobody any more.
-- Of an account that let us out this ends when it lets us in again; of a person it never does.
alter table flow.record_state add column redacted text not null default '' check (redacted in ('', 'person', 'account'));

-- Takes the values of these source records out of everything that keeps any. Repeatable: what is redacted is redacted once more. Says how many
-- are still in use: in a writer's hands, sent and not answered, or in a command that no writer has read; those are for the next round.
create function flow.redact(p_connection text, p_entities text[], p_records text[], p_for text, p_at timestamptz) returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_account text;
    v_keys    bytea[];
    v_open    bigint;
begin
    select coalesce(nullif(account, ''), id) into v_account from core.connection where id = p_connection;

    -- Before everything else, as whoever merges and judges locks these rows first: nothing is judged after this.
    insert into flow.record_state as s (connection, entity, record, first_at, changed_at, redacted)
    select distinct p_connection, n.e, n.r, p_at, p_at, p_for from unnest(p_entities, p_records) as n(e, r) order by 2, 3
    on conflict (connection, entity, record) do update
       set redacted = case when s.redacted = 'person' then s.redacted else p_for end, fields = '{}', changed_at = p_at;
    delete from flow.read_request q using unnest(p_entities, p_records) as n(e, r)
     where (q.connection, q.entity, q.record) = (p_connection, n.e, n.r);

    create temporary table if not exists redacted_work (sync text, entity text, record text) on commit drop;
    create temporary table if not exists redacted_key (account text, place text, target_entity text, key text, new_key text) on commit drop;
    create temporary table if not exists redacted_far (connection text, entity text, record text) on commit drop;
    truncate redacted_work, redacted_key, redacted_far;
    insert into redacted_work
    select distinct l.sync, l.name, n.r from unnest(p_entities, p_records) as n(e, r)
      join core.leg l on (l.source_connection, l.source_entity) = (p_connection, n.e);

    -- R9: nothing is judged for these any more, so a revision that nobody was told of may be taken back.
    delete from flow.wanted w using redacted_work d
     where (w.sync, w.entity, w.record) = (d.sync, d.entity, d.record) and w.published_revision = 0;
    update flow.wanted w set document = '{}', content = '', revision = w.published_revision
      from redacted_work d where (w.sync, w.entity, w.record) = (d.sync, d.entity, d.record);

    -- In the order in which writers lock them. What is in a writer's hands is that one's until it lets go.
    perform from flow.work_item i join redacted_work d using (sync, entity, record) order by i.sync, i.entity, i.record for update of i;
    update flow.run_record r set outcome = 'skipped', reason = 'redacted', ended_at = p_at
      from redacted_work d, flow.work_item i
     where (r.sync, r.entity, r.record) = (d.sync, d.entity, d.record) and (i.sync, i.entity, i.record) = (d.sync, d.entity, d.record)
       and r.outcome = 'waiting' and i.state not in ('leased', 'hold');
    update flow.work_item i
       set document = '{}', first_body = null, message = '', vendor_words = '', changed_at = p_at,
           due_at = case when i.state = 'done' then i.due_at else p_at end,
           outcome = case when i.state = 'done' then i.outcome else 'skipped' end,
           reason = case when i.state = 'done' then i.reason else 'redacted' end, state = 'done'
      from redacted_work d where (i.sync, i.entity, i.record) = (d.sync, d.entity, d.record) and i.state not in ('leased', 'hold');
    delete from flow.work_need n using redacted_work d, flow.work_item i
     where (n.sync, n.entity, n.record) = (d.sync, d.entity, d.record) and (i.sync, i.entity, i.record) = (d.sync, d.entity, d.record)
       and i.state = 'done';

    -- Targets that nobody but these records owns: what was seen of them and agreed on was theirs. What an audience remembers of consent stays.
    insert into redacted_key
    select o.account, o.place, o.target_entity, o.key, 'redacted:' || gen_random_uuid() from flow.target_owner o join redacted_work d using (sync, entity, record)
     where not exists (select from flow.target_owner other
                         join core.leg l on (l.sync, l.name) = (other.sync, other.entity)
                         join flow.record_state s on (s.connection, s.entity, s.record) = (l.source_connection, l.source_entity, other.record)
                        where (other.account, other.place, other.target_entity, other.key) = (o.account, o.place, o.target_entity, o.key)
                          and s.redacted = '')
     group by o.account, o.place, o.target_entity, o.key;
    update flow.target_record t
       set seen = '{}', agreed = '{}', doubtful = true, changed_at = p_at,
           memory = case when t.target_entity = 'member' then t.memory else '{}' end
      from redacted_key k where (t.account, t.place, t.target_entity, t.key) = (k.account, k.place, k.target_entity, k.key)
       and not exists (select from flow.write_intent i where i.state = 'sent'
                          and (i.account, i.place, i.target_entity, i.target_key) = (t.account, t.place, t.target_entity, t.key));
    update flow.write_intent i set sent = '{}', before = '{}', memory = '{}'
      from redacted_work d, flow.target_owner o
     where (o.sync, o.entity, o.record) = (d.sync, d.entity, d.record)
       and (i.account, i.place, i.target_entity, i.target_key) = (o.account, o.place, o.target_entity, o.key)
       and (i.sync, i.entity, i.record) = (d.sync, d.entity, d.record) and i.state <> 'sent';

    -- Pairs stay: that two records were one is no value of theirs.
    delete from flow.pair_question q using flow.pair p, unnest(p_entities, p_records) as n(e, r)
     where q.pair = p.id and (p.left_id, p.left_account, p.left_entity) = (n.r, v_account, n.e);
    delete from flow.pair_question q using flow.pair p, unnest(p_entities, p_records) as n(e, r)
     where q.pair = p.id and p.right_id <> '' and (p.right_id, p.right_account, p.right_entity) = (n.r, v_account, n.e);
    update flow.pair p set seen = '{}', agreed = '{}', judgement = '{}', owed = false, changed_at = p_at
      from unnest(p_entities, p_records) as n(e, r) where (p.left_id, p.left_account, p.left_entity) = (n.r, v_account, n.e);
    update flow.pair p set seen = '{}', agreed = '{}', judgement = '{}', owed = false, changed_at = p_at
      from unnest(p_entities, p_records) as n(e, r)
     where p.right_id <> '' and (p.right_id, p.right_account, p.right_entity) = (n.r, v_account, n.e);
    delete from flow.feed_row f using unnest(p_entities, p_records) as n(e, r)
     where (f.connection, f.entity, f.record) = (p_connection, n.e, n.r);

    -- What a person became elsewhere and was read back from there, with whatever is that one's, as long as nothing starts from it.
    insert into redacted_far
    select distinct k.id, p.right_entity, p.right_id from unnest(p_entities, p_records) as n(e, r)
      join flow.pair p on (p.left_id, p.left_account, p.left_entity) = (n.r, v_account, n.e) and p.right_id <> ''
      join core.connection k on coalesce(nullif(k.account, ''), k.id) = p.right_account
     where p_for = 'person' and not exists (
           select from flow.pair o join flow.record_state s on (s.connection, s.entity, s.record) = (p_connection, o.left_entity, o.left_id)
            where (o.right_account, o.right_entity, o.right_id) = (p.right_account, p.right_entity, p.right_id) and s.redacted = '');
    insert into redacted_far
    select distinct s.connection, s.entity, s.record from redacted_far f join flow.record_state s on s.connection = f.connection
     where f.entity = 'customer' and s.fields ->> 'customer_id' = f.record;
    delete from redacted_far f using core.leg l where (l.source_connection, l.source_entity) = (f.connection, f.entity);
    update flow.record_state s set redacted = 'person', fields = '{}', changed_at = p_at from redacted_far f
     where (s.connection, s.entity, s.record) = (f.connection, f.entity, f.record);

    -- Steps, times, ids and codes stay; values and words go.
    update flow.journal j
       set before = null, after = null, patch = null, words = '',
           details = (select jsonb_object_agg(v.key, v.value) from jsonb_each(j.details) as v
                       where v.key in ('action', 'via', 'coverage', 'version', 'at'))
      from (select p_connection as c, n.e, n.r from unnest(p_entities, p_records) as n(e, r) union select p_connection, d.entity, d.record from redacted_work d
            union select f.connection, f.entity, f.record from redacted_far f) as n(c, e, r)
     where (j.connection, j.entity, j.record) = (n.c, n.e, n.r)
       and (j.before is not null or j.after is not null or j.patch is not null or j.words <> '' or j.details is not null);
    update flow.journal j set before = null, after = null, patch = null, words = ''
      from redacted_key k where k.key <> '' and j.target_key = k.key
       and (j.before is not null or j.after is not null or j.patch is not null or j.words <> '');

    -- A key that is an address is no id: another name takes its place everywhere, once nothing is in use under it. An audience keeps it, as the
    -- consent of an address has to be found again.
    delete from redacted_key k where k.target_entity = 'member' or position('@' in k.key) = 0;
    select count(*) into v_open from redacted_key k
     where exists (select from flow.audit a where (a.account, a.place, a.target_entity, a.key) = (k.account, k.place, k.target_entity, k.key))
        or exists (select from flow.target_lease l where (l.account, l.place, l.target_entity, l.key) = (k.account, k.place, k.target_entity, k.key))
        or exists (select from flow.write_intent i where i.state = 'sent'
                      and (i.account, i.place, i.target_entity, i.target_key) = (k.account, k.place, k.target_entity, k.key));
    delete from redacted_key k
     where exists (select from flow.audit a where (a.account, a.place, a.target_entity, a.key) = (k.account, k.place, k.target_entity, k.key))
        or exists (select from flow.target_lease l where (l.account, l.place, l.target_entity, l.key) = (k.account, k.place, k.target_entity, k.key))
        or exists (select from flow.write_intent i where i.state = 'sent'
                      and (i.account, i.place, i.target_entity, i.target_key) = (k.account, k.place, k.target_entity, k.key));
    update flow.target_record t set key = k.new_key from redacted_key k
     where (t.account, t.place, t.target_entity, t.key) = (k.account, k.place, k.target_entity, k.key);
    update flow.write_intent i set target_key = k.new_key from redacted_key k
     where (i.account, i.place, i.target_entity, i.target_key) = (k.account, k.place, k.target_entity, k.key);
    update flow.work_item i set target_key = k.new_key from redacted_work d, redacted_key k
     where (i.sync, i.entity, i.record) = (d.sync, d.entity, d.record) and (i.place, i.target_entity, i.target_key) = (k.place, k.target_entity, k.key);
    update flow.pair p set right_key = k.new_key from redacted_key k
     where (p.right_account, p.right_place, p.right_entity, p.right_key) = (k.account, k.place, k.target_entity, k.key);
    update flow.journal j set target_key = k.new_key from redacted_key k where j.target_key = k.key;
    update flow.target_owner o set key = k.new_key from redacted_key k
     where (o.account, o.place, o.target_entity, o.key) = (k.account, k.place, k.target_entity, k.key);
    delete from flow.reconcile_difference r using redacted_work d where (r.sync, r.entity, r.record) = (d.sync, d.entity, d.record);

    -- Letters by the key that receipts, changes and commands of a record have.
    select array_agg(distinct convert_to(one, 'UTF8')) into v_keys from (
        select p_connection || ':' || n.e || ':' || n.r as one from unnest(p_entities, p_records) as n(e, r)
        union select d.sync || ':' || d.entity || ':' || d.record from redacted_work d) as keys;
    update flow.dead_letter l
       set record_value = ''::bytea, err_message = '', err_vendor_words = '',
           closed_at = coalesce(l.closed_at, p_at), closed_by = case when l.state = 'open' then 'privacy' else l.closed_by end,
           close_reason = case when l.state = 'open' then 'redacted' else l.close_reason end,
           state = case when l.state = 'open' then 'discarded' else l.state end
     where l.record_key = any(v_keys);
    delete from flow.quarantine q using unnest(p_records) as n(r)
     where q.connection = p_connection and position(convert_to(n.r, 'UTF8') in q.body) > 0;

    select v_open + (select count(*) from flow.work_item i join redacted_work d using (sync, entity, record) where i.state in ('leased', 'hold'))
         + (select count(*) from flow.write_intent i join redacted_work d using (sync, entity, record) where i.state = 'sent')
         + (select count(*) from flow.wanted w join redacted_work d using (sync, entity, record)
             where w.revision > coalesce((select i.revision from flow.work_item i
                                           where (i.sync, i.entity, i.record) = (w.sync, w.entity, w.record)), 0)
               and w.changed_at > p_at - interval '30 days')
      into v_open;
    return v_open;
end
$$;

-- What of an account that let us out names no record: letters and strangers' webhooks.
create function flow.redact_account(p_connection text, p_at timestamptz) returns void
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    update flow.dead_letter l
       set record_value = ''::bytea, err_message = '', err_vendor_words = '',
           closed_at = coalesce(l.closed_at, p_at), closed_by = case when l.state = 'open' then 'privacy' else l.closed_by end,
           close_reason = case when l.state = 'open' then 'redacted' else l.close_reason end,
           state = case when l.state = 'open' then 'discarded' else l.state end
     where starts_with(encode(l.record_key, 'escape'), p_connection || ':');
    delete from flow.quarantine where connection = p_connection;
    delete from flow.read_request where connection = p_connection;
$$;
revoke execute on function flow.redact(text, text[], text[], text, timestamptz) from public;
revoke execute on function flow.redact_account(text, timestamptz) from public;
grant execute on function flow.redact(text, text[], text[], text, timestamptz) to millrace_service;
grant execute on function flow.redact_account(text, timestamptz) to millrace_service;

-- It lets us in again: what it tells now is new to us, and everything is read once more.
create function flow.account_returned(p_connection text, p_at timestamptz) returns void
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    update flow.record_state set redacted = '', told = '{}', sequence = '', detail = '', existence_at = null, deleted = false
     where connection = p_connection and redacted = 'account';
    update flow.poll set cursor = '', whole_at = null, next_at = least(next_at, p_at) where connection = p_connection;
$$;
revoke execute on function flow.account_returned(text, timestamptz) from public;
grant execute on function flow.account_returned(text, timestamptz) to millrace_service;
