-- What was seen of a target record and what was agreed are apart (R15), and what only the vendor needs to remember is in its memory, which
-- nobody else reads. Of what was known until now nobody can tell which was agreed and which was seen: it was both.

alter table flow.target_record rename column values to seen;
alter table flow.target_record add column agreed jsonb not null default '{}' check (jsonb_typeof(agreed) = 'object');

update flow.target_record
   set agreed = seen || case when standing = '' then '{}' else jsonb_build_object('standing', standing) end,
       seen = seen || case when standing = '' then '{}' else jsonb_build_object('standing', standing) end,
       memory = memory || jsonb_strip_nulls(jsonb_build_object(
           'former', nullif(former, ''), 'ours', nullif(ours, '[]'), 'born_of', nullif(born_of, ''), 'barred', nullif(barred, ''),
           'standing_at', to_char(standing_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'),
           'standing_by', case when standing_by = 'target' then 'target' end,
           'standing_reason', nullif(standing_reason, '')));

alter table flow.target_record
    drop column ours, drop column standing, drop column standing_at, drop column standing_by, drop column standing_reason,
    drop column former, drop column born_of, drop column barred;

-- An intent keeps its whole act: what people count it as, and what the vendor remembers once it is done.
alter table flow.write_intent add column memory jsonb not null default '{}' check (jsonb_typeof(memory) = 'object');
alter table flow.write_intent add column counts_as text not null default 'updated' check (counts_as in ('added', 'updated'));

update flow.write_intent
   set sent = sent || case when standing = '' then '{}' else jsonb_build_object('standing', standing) end,
       counts_as = case when action = 'create' then 'added' else 'updated' end
 where standing <> '' or action = 'create';

alter table flow.write_intent drop column standing;

-- As before, and all that is remembered under both names stays: the vendor reads the one memory with the other.
create or replace function flow.move_account(p_from text, p_to text) returns void language plpgsql security definer
    set search_path = pg_catalog, pg_temp as $$
begin
    update flow.target_record t
       set doubtful = true, met = t.met or f.met,
           memory = t.memory || jsonb_build_object('also', coalesce(t.memory -> 'also', '[]') || coalesce(f.memory -> 'also', '[]')
                                                           || jsonb_build_array(f.memory - 'also'))
      from flow.target_record f
     where f.account = p_from and t.account = p_to and (t.place, t.target_entity, t.key) = (f.place, f.target_entity, f.key);
    -- What is in flight is written down under the old name once more.
    update flow.target_record t set doubtful = true
      from flow.write_intent i
     where i.account = p_from and i.state = 'sent' and t.account = p_from
       and (t.place, t.target_entity, t.key) = (i.place, i.target_entity, i.target_key);
    delete from flow.target_record f using flow.target_record t
     where f.account = p_from and t.account = p_to and (t.place, t.target_entity, t.key) = (f.place, f.target_entity, f.key);
    delete from flow.target_lease f using flow.target_lease t
     where f.account = p_from and t.account = p_to and (t.place, t.target_entity, t.key) = (f.place, f.target_entity, f.key);
    delete from flow.audit f using flow.audit t
     where f.account = p_from and t.account = p_to and (t.place, t.target_entity, t.key) = (f.place, f.target_entity, f.key);
    delete from flow.target_owner f using flow.target_owner t
     where f.account = p_from and t.account = p_to
       and (t.place, t.target_entity, t.key, t.sync, t.entity, t.record) = (f.place, f.target_entity, f.key, f.sync, f.entity, f.record);
    update flow.target_record set account = p_to where account = p_from;
    update flow.target_lease set account = p_to where account = p_from;
    update flow.target_owner set account = p_to where account = p_from;
    update flow.target_owner set source_account = p_to where source_account = p_from;
    update flow.record_link set account = p_to where account = p_from;
    update flow.write_intent set account = p_to where account = p_from;
    update flow.audit set account = p_to where account = p_from;
end
$$;
