-- Links become pairs: a record of one system and a record of another that are the same thing, found from either end. A pair belongs to no
-- sync and to no connection, so it outlives both; its ends are the vendors' own accounts, places, entities and ids (R15, R22).
create table flow.pair (
    id            bigint      generated always as identity primary key,
    -- The side that a sync's forward legs start from. The id is the vendor's own; the key is what writers lease there, empty where nobody writes.
    left_account  text        not null,
    left_place    text        not null default '',
    left_entity   text        not null,
    left_key      text        not null default '',
    left_id       text        not null default '',
    right_account text        not null,
    right_place   text        not null default '',
    right_entity  text        not null,
    right_key     text        not null default '',
    right_id      text        not null default '',
    -- Both ends have each other alone: what is edited on both sides. Several records may share a target that is only written.
    exclusive     boolean     not null default false,
    state         text        not null check (state in ('reserved', 'linked', 'ended_left', 'ended_right', 'unlinked')),
    -- What says that they are one: a field, created, imported, by hand.
    rule          text        not null default '',
    since         timestamptz not null,
    -- R15, per field and in each side's own spelling: {"left": {...}, "right": {...}}.
    seen          jsonb       not null default '{}' check (jsonb_typeof(seen) = 'object'),
    agreed        jsonb       not null default '{}' check (jsonb_typeof(agreed) = 'object'),
    -- What else a judgement has to know: versions, histories of fields, writes that are open, what waits for their end (R16 to R19).
    judgement     jsonb       not null default '{}' check (jsonb_typeof(judgement) = 'object'),
    history       jsonb       not null default '[]' check (jsonb_typeof(history) = 'array'),
    changed_at    timestamptz not null,
    check (left_key <> '' or left_id <> ''),
    check (right_key <> '' or right_id <> '')
);

create unique index pair_forward on flow.pair
    (left_account, left_entity, left_id, left_place, right_account, right_place, right_entity, right_key) where left_id <> '' and right_key <> '';
create unique index pair_back on flow.pair
    (right_account, right_entity, right_id, right_place, left_account, left_place, left_entity, left_key) where right_id <> '' and left_key <> '';
create unique index pair_left_alone on flow.pair
    (left_account, left_place, left_entity, left_id, right_account, right_place, right_entity)
    where exclusive and left_id <> '' and state <> 'unlinked';
create unique index pair_right_alone on flow.pair
    (right_account, right_place, right_entity, right_id, left_account, left_place, left_entity)
    where exclusive and right_id <> '' and state <> 'unlinked';
create index pair_of_right_key on flow.pair (right_account, right_place, right_entity, right_key);
create index pair_of_right_id on flow.pair (right_account, right_entity, right_id) where right_id <> '';
create index pair_of_left_key on flow.pair (left_account, left_place, left_entity, left_key) where left_key <> '';
-- People look for a record by its id or key at the target, or by the hash that some vendors make of a key.
create index pair_by_right_id on flow.pair (right_id) where right_id <> '';
create index pair_by_right_key on flow.pair (right_key);
create index pair_by_right_hash on flow.pair (md5(right_key));

-- Two syncs that knew the same two records had two links; they are one pair, and the oldest that was made says since when.
insert into flow.pair (left_account, left_entity, left_id, right_account, right_place, right_entity, right_key, right_id, state, rule, since,
                       history, changed_at)
select distinct on (o.from_account, l.entity, l.record, l.account, l.place, l.target_entity, l.target_key)
       o.from_account, l.entity, l.record, l.account, l.place, l.target_entity, l.target_key, l.target_id, l.state, l.rule, l.since,
       jsonb_build_array(jsonb_build_object('at', to_char(l.since at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'), 'what', l.state)),
       l.since
  from flow.record_link l
  left join flow.work_item w using (sync, entity, record)
  left join core.sync y on y.id = l.sync
  left join core.connection c on c.id = coalesce(w.source, y.source_connection)
 cross join lateral (select coalesce(c.account, w.source, y.source_connection, l.sync) as from_account) as o
 order by o.from_account, l.entity, l.record, l.account, l.place, l.target_entity, l.target_key, l.state = 'linked' desc, l.since;

drop table flow.record_link;

-- Pairs are shown, made, imported and taken apart from the console.
grant insert, update on flow.pair to millrace_console;

-- An account that was known by its connection only has been learnt: where both names had the same pair, the one that stays is the older name's better.
create function flow.move_pairs(p_from text, p_to text) returns void language plpgsql security definer
    set search_path = pg_catalog, pg_temp as $$
begin
    delete from flow.pair f using flow.pair t
     where f.left_account = p_from and t.left_account = p_to
       and (t.left_entity, t.left_id, t.left_place, t.left_key, t.right_account, t.right_place, t.right_entity)
         = (f.left_entity, f.left_id, f.left_place, f.left_key, f.right_account, f.right_place, f.right_entity)
       and (t.right_key = f.right_key or t.right_id = f.right_id or t.exclusive);
    update flow.pair set left_account = p_to where left_account = p_from;
    delete from flow.pair f using flow.pair t
     where f.right_account = p_from and t.right_account = p_to
       and (t.left_entity, t.left_id, t.left_place, t.left_key, t.left_account, t.right_place, t.right_entity)
         = (f.left_entity, f.left_id, f.left_place, f.left_key, f.left_account, f.right_place, f.right_entity)
       and (t.right_key = f.right_key or t.right_id = f.right_id or t.exclusive);
    update flow.pair set right_account = p_to where right_account = p_from;
end
$$;
revoke execute on function flow.move_pairs(text, text) from millrace_service;

-- The rest of that function stays as it is, whichever version of it is there.
do $$
declare
    old text := pg_get_functiondef('flow.move_account(text, text)'::regprocedure);
    new text := replace(old, 'update flow.record_link set account = p_to where account = p_from;', 'perform flow.move_pairs(p_from, p_to);');
begin
    if new = old then
        raise exception 'flow.move_account does not move links as expected';
    end if;
    execute new;
end
$$;
