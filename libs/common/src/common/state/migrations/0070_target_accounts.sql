-- Target records are the account's, whichever connection leads there: leases, owners, knowledge, intents, audits and links are keyed by
-- the vendor's own account, the place, the target's entity and the key. Which connection to call through stays with the work.

-- The vendor's own account, learnt when the connection is tried; the connection's id until then.
alter table core.connection add column account text not null default '';

alter table flow.work_item add column target_entity text not null default 'member';
alter table flow.work_item alter column target_entity drop default;

alter table flow.target_lease rename column connection to account;
alter table flow.target_lease add column target_entity text not null default 'member';
alter table flow.target_lease alter column target_entity drop default;
alter table flow.target_lease drop constraint target_lease_pkey, add primary key (account, place, target_entity, key);

alter table flow.target_owner rename column connection to account;
alter table flow.target_owner add column target_entity text not null default 'member', add column source_account text not null default '';
alter table flow.target_owner alter column target_entity drop default, alter column source_account drop default;
alter table flow.target_owner drop constraint target_owner_pkey, add primary key (account, place, target_entity, key, sync, entity, record);
-- A record's past is found by the record itself, whichever sync or connection brought it.
create index target_owner_of_source on flow.target_owner (source_account, entity, record);

alter table flow.record_link rename column connection to account;
alter table flow.record_link add column target_entity text not null default 'member';
alter table flow.record_link alter column target_entity drop default;
drop index flow.record_link_of_target;
create index record_link_of_target on flow.record_link (account, place, target_entity, target_key);

alter table flow.target_record rename column connection to account;
alter table flow.target_record add column target_entity text not null default 'member';
alter table flow.target_record alter column target_entity drop default;
alter table flow.target_record drop constraint target_record_pkey, add primary key (account, place, target_entity, key);

alter table flow.write_intent add column account text not null default '', add column target_entity text not null default 'member';
alter table flow.write_intent alter column account drop default, alter column target_entity drop default;
drop index flow.write_intent_of_target;
create index write_intent_of_target on flow.write_intent (account, place, target_entity, target_key, sent_at);

-- An audit is made through the connection that left the doubt.
alter table flow.audit add column account text not null default '', add column target_entity text not null default 'member';
alter table flow.audit alter column account drop default, alter column target_entity drop default;
alter table flow.audit drop constraint audit_pkey, add primary key (account, place, target_entity, key);

update flow.write_intent set account = connection;
update flow.audit set account = connection;
update flow.target_owner o set source_account = w.source
  from flow.work_item w where (w.sync, w.entity, w.record) = (o.sync, o.entity, o.record);

-- Everything that was kept under one account belongs to another from now on: the account of a connection has been learnt.
-- Where both knew a target record, the one that stays is looked at before anything is decided, and what it had before an archive is forgotten (so it stays archived).
create function flow.move_account(p_from text, p_to text) returns void language plpgsql security definer
    set search_path = pg_catalog, pg_temp as $$
begin
    update flow.target_record t
       set doubtful = true, met = t.met or f.met, barred = coalesce(nullif(t.barred, ''), f.barred),
           former = case when t.former = f.former then t.former else '' end,
           ours = (select coalesce(jsonb_agg(distinct tag), '[]') from jsonb_array_elements(t.ours || f.ours) as tag)
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

create function core.account_unknown() returns trigger language plpgsql as $$
begin
    new.account := coalesce(nullif(new.account, ''), new.id);
    return new;
end
$$;

-- Only what was kept under the connection's own id moves: a learnt account never becomes another one.
create function core.account_learnt() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform flow.move_account(old.account, new.account);
    return null;
end
$$;

create trigger connection_account before insert or update on core.connection
    for each row execute function core.account_unknown();
create trigger connection_account_learnt after update of account on core.connection
    for each row when (old.account = old.id and new.account <> old.account) execute function core.account_learnt();

revoke execute on function core.account_learnt() from millrace_console;
revoke execute on function flow.move_account(text, text) from millrace_service;

-- What connections learnt when they were tried is in their details already; two steps, because only an account that was there can move.
update core.connection set account = id;
update core.connection set account = 'mailchimp:' || (details ->> 'account_id')
 where vendor = 'mailchimp' and coalesce(details ->> 'account_id', '') <> '';
update core.connection set account = 'zoho-books:' || (details ->> 'organization_id')
 where vendor = 'zoho-books' and coalesce(details ->> 'organization_id', '') <> '';
