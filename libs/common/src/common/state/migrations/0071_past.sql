-- Nothing is forgotten: ownership rows and what a target record's person last said stay for ever. A record's past is found by the record,
-- a target record's by its address.

alter table flow.target_owner drop constraint target_owner_standing_check;
-- left: the record is gone from there; the row is its past. ended: its sync is switched off, and it lives there again when that is resumed.
alter table flow.target_owner add constraint target_owner_standing_check check (standing in ('live', 'leaving', 'left', 'ended'));
create index target_owner_here on flow.target_owner (sync) where standing in ('live', 'leaving');
create index target_owner_ended on flow.target_owner (sync) where standing = 'ended';

-- What becomes of the target records of a sync that is switched off.
alter table core.sync add column on_disable text not null default 'keep' check (on_disable in ('keep', 'archive'));
create index work_item_switched_off on flow.work_item (sync) where reason = 'sync_disabled';

-- The vendor's own memory of a target record, opaque here: what outlives its present state.
alter table flow.target_record add column memory jsonb not null default '{}' check (jsonb_typeof(memory) = 'object');
-- The same address in other places of the account.
create index target_record_elsewhere on flow.target_record (account, target_entity, key);

-- The keys that records left until now are still named by what was sent there.
insert into flow.target_owner (account, place, target_entity, key, source_account, sync, entity, record, standing, since)
select i.account, i.place, i.target_entity, i.target_key, coalesce(c.account, w.source), i.sync, i.entity, i.record, 'left', min(i.sent_at)
  from flow.write_intent i
  join flow.work_item w using (sync, entity, record)
  left join core.connection c on c.id = w.source
 group by i.account, i.place, i.target_entity, i.target_key, coalesce(c.account, w.source), i.sync, i.entity, i.record
on conflict do nothing;

-- What was known of consent until now (there is one vendor that has it); a time counts only where the vendor itself told it.
with known as (
    select account, place, target_entity, key, standing_by,
           case when standing = 'archived' then former else standing end as allowed,
           to_char(coalesce(standing_at, changed_at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"') as at
      from flow.target_record
)
update flow.target_record t
   set memory = jsonb_build_object('allowed', k.allowed, 'until', k.at,
                                   'since', case when k.standing_by = 'target' and t.standing <> 'archived' then k.at else '' end)
  from known k
 where k.allowed <> '' and (t.account, t.place, t.target_entity, t.key) = (k.account, k.place, k.target_entity, k.key);

-- As before, and both memories stay: the vendor reads the one with the other.
create or replace function flow.move_account(p_from text, p_to text) returns void language plpgsql security definer
    set search_path = pg_catalog, pg_temp as $$
begin
    update flow.target_record t
       set doubtful = true, met = t.met or f.met, barred = coalesce(nullif(t.barred, ''), f.barred),
           former = case when t.former = f.former then t.former else '' end,
           ours = (select coalesce(jsonb_agg(distinct tag), '[]') from jsonb_array_elements(t.ours || f.ours) as tag),
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
