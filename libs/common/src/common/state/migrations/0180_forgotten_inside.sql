-- Whom somebody asks us to forget is forgotten with whatever else knows them by a value: what they were matched by, what was written to them from
-- the other side, the former keys of their links, and keys that are an address or a name. The records that are kept inside one another (decision
-- 68) are named by the job, which knows the vendor's kinds. The rest of that function stays as it is, whichever version of it is there.
do $$
declare
    body  text := pg_get_functiondef('flow.redact(text, text[], text[], text, timestamptz)'::regprocedure);
    parts text[] := array[
-- The addresses have to be known before the values go: a guest of a shop is a target record that no order owns.
'    -- Before everything else, as whoever merges',
'    create temporary table if not exists redacted_email (email text) on commit drop;
    create temporary table if not exists redacted_own (account text, place text, target_entity text, key text) on commit drop;
    truncate redacted_email, redacted_own;
    with locked as (
        select s.fields ->> ''email'' as email from flow.record_state s
          join unnest(p_entities, p_records) as n(e, r) on (s.connection, s.entity, s.record) = (p_connection, n.e, n.r)
         order by s.entity, s.record for update of s
    )
    insert into redacted_email select distinct lower(btrim(email)) from locked where position(''@'' in email) > 0;

    -- Before everything else, as whoever merges',

'    update flow.target_record t
       set seen = ''{}'', agreed = ''{}'', doubtful = true, changed_at = p_at,
           memory = case',
'    -- What was made for an order and is known by an address: by the order that made it, or by that of any other.
    insert into redacted_key
    select w.account, w.place, w.target_entity, w.key, ''redacted:'' || gen_random_uuid() from (
        select distinct coalesce(nullif(c.account, ''''), c.id) as account, l.target_place as place, l.target_entity, g.key
          from (select distinct sync, entity from redacted_work) as d
          join core.leg l on (l.sync, l.name) = (d.sync, d.entity) join core.connection c on c.id = l.target_connection
         cross join (
               select ''guest '' || m.email as key from redacted_email m
               union
               select j.target_key from redacted_work d
                 join flow.journal j on (j.connection, j.entity, j.record) = (p_connection, d.entity, d.record)
                where position(''@'' in j.target_key) > 0) as g) as w
     where not exists (select from flow.target_owner o
                        where (o.account, o.place, o.target_entity, o.key) = (w.account, w.place, w.target_entity, w.key))
       and (exists (select from flow.target_record t
                     where (t.account, t.place, t.target_entity, t.key) = (w.account, w.place, w.target_entity, w.key))
            or exists (select from flow.write_intent i
                        where (i.account, i.place, i.target_entity, i.target_key) = (w.account, w.place, w.target_entity, w.key)));
    -- They themselves as targets of the other side: by their links, or by the key that a linked record has.
    insert into redacted_own
    select distinct e.account, e.place, e.entity, k.key from unnest(p_entities, p_records) as n(e, r)
     cross join lateral (
           select p.left_account as account, p.left_place as place, p.left_entity as entity, p.left_key as key from flow.pair p
            where (p.left_id, p.left_account, p.left_entity) = (n.r, v_account, n.e)
            union all
           select p.right_account, p.right_place, p.right_entity, p.right_key from flow.pair p
            where p.right_id <> '''' and (p.right_id, p.right_account, p.right_entity) = (n.r, v_account, n.e)) as e
     cross join lateral (values (e.key), (''id:'' || n.r)) as k(key)
     where k.key <> '''';
    update flow.target_record t set seen = ''{}'', agreed = ''{}'', memory = ''{}'', doubtful = true, changed_at = p_at
      from redacted_own k where (t.account, t.place, t.target_entity, t.key) = (k.account, k.place, k.target_entity, k.key)
       and not exists (select from flow.write_intent i where i.state = ''sent''
                          and (i.account, i.place, i.target_entity, i.target_key) = (t.account, t.place, t.target_entity, t.key));
    update flow.write_intent i set sent = ''{}'', before = ''{}'', memory = ''{}''
      from (select account, place, target_entity, key from redacted_own union select account, place, target_entity, key from redacted_key) as k
     where (i.account, i.place, i.target_entity, i.target_key) = (k.account, k.place, k.target_entity, k.key) and i.state <> ''sent'';
    update flow.journal j
       set before = null, after = null, patch = null, words = '''',
           details = (select jsonb_object_agg(v.key, v.value) from jsonb_each(j.details) as v
                       where v.key in (''action'', ''via'', ''coverage'', ''version'', ''at''))
      from (select key from redacted_own union select r from unnest(p_records) as r) as k
     where j.target_key = k.key and (j.sync = '''' or j.sync in (select l.sync from core.leg l where l.target_connection = p_connection))
       and (j.before is not null or j.after is not null or j.patch is not null or j.words <> '''' or j.details is not null);
    update flow.target_record t
       set seen = ''{}'', agreed = ''{}'', doubtful = true, changed_at = p_at,
           memory = case',

-- A link that has moved says from which key, which was an address or a name.
'judgement = ''{}'', owed = false, changed_at = p_at',
'judgement = ''{}'', owed = false, changed_at = p_at,
           history = (select coalesce(jsonb_agg(h.one - ''from'' order by h.at), ''[]'') from jsonb_array_elements(p.history) with ordinality as h(one, at))',

-- Whichever kind of record has told it, of itself or of another, and nobody else of the same id.
'    delete from flow.match_value v using unnest(p_entities, p_records) as n(e, r), core.leg l
     where (l.source_connection, l.source_entity, l.sync) = (p_connection, n.e, v.sync) and v.told_record = n.r;',
'    delete from flow.match_value v using unnest(p_entities, p_records) as n(e, r), core.leg l
     where (v.told_record, v.told_entity) = (n.r, n.e) and (l.sync, l.name) = (v.sync, v.leg)
       and p_connection = case v.side when ''left'' then l.source_connection else l.target_connection end;
    delete from flow.match_value v using unnest(p_entities, p_records) as n(e, r), core.leg l
     where v.record = n.r and (l.sync, l.name) = (v.sync, v.leg)
       and (p_connection, n.e) = (case v.side when ''left'' then l.source_connection else l.target_connection end,
                                  case v.side when ''left'' then l.source_entity else l.target_entity end);',

-- Whoever is kept inside another starts from it.
'    delete from redacted_far f using core.leg l where',
'    delete from redacted_far f using redacted_far i, core.leg l
     where (l.source_connection, l.source_entity) = (i.connection, i.entity) and i.connection = f.connection and i.entity <> f.entity
       and starts_with(i.record, f.record || ''-'');
    delete from redacted_far f using core.leg l where',

'    -- A key that is an address is no id: another name takes its place everywhere, once nothing is in use under it. An audience keeps it, as the
    -- consent of an address has to be found again.
    delete from redacted_key k where k.target_entity = ''member'' or position(''@'' in k.key) = 0;',
'    -- A key that is an address is no id, nor is a customer''s or a person''s that is not made of their own: another name takes its place everywhere,
    -- once nothing is in use under it. An audience keeps it, as the consent of an address has to be found again.
    delete from redacted_key k
     where k.target_entity = ''member''
        or (position(''@'' in k.key) = 0
            and (p_for <> ''person'' or k.target_entity not in (''customer'', ''person'') or starts_with(k.key, ''redacted:'') or starts_with(k.key, ''id:'')
                 or exists (select from unnest(p_records) as r where k.key = r or right(k.key, length(r) + 1) in ('':'' || r, ''/'' || r))));',

'    update flow.journal j set target_key = k.new_key from redacted_key k where j.target_key = k.key;',
'    update flow.pair p set left_key = k.new_key from redacted_key k
     where (p.left_key, p.left_account, p.left_place, p.left_entity) = (k.key, k.account, k.place, k.target_entity);
    update flow.journal j set target_key = k.new_key from redacted_key k where j.target_key = k.key;',

'         + (select count(*) from flow.write_intent i join redacted_work d using (sync, entity, record) where i.state = ''sent'')',
'         + (select count(*) from flow.write_intent i join redacted_work d using (sync, entity, record) where i.state = ''sent'')
         + (select count(*) from flow.write_intent i join redacted_own k using (account, place, target_entity)
             where i.target_key = k.key and i.state = ''sent'')'];
begin
    for at in 1 .. array_length(parts, 1) by 2 loop
        if position(parts[at] in body) = 0 then
            raise exception 'flow.redact does not say what is expected: %', parts[at];
        end if;
        body := replace(body, parts[at], parts[at + 1]);
    end loop;
    execute body;
end
$$;
