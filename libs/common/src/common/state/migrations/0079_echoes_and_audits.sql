-- Echoes are known by the write's own stamp (R17), events wait for the end of a write (R16), and late looks that fail end (R4).

-- The vendor's own stamp of what a write has made; null where its answer tells none, and for writes of before.
alter table flow.write_intent add column applied_stamp timestamptz;
create index write_intent_open_of_target on flow.write_intent (account, place, target_entity, target_key) where state = 'sent';

-- Late looks that failed in a row.
alter table flow.audit add column looks integer not null default 0;

-- Events of a target that came while a write of ours to that record was in flight: they are judged when it is over, the oldest first (R16).
create table flow.target_event (
    id            bigint      generated always as identity primary key,
    event_id      text        not null unique,
    -- The account is the connection's, as it is known when the event is judged.
    connection    text        not null,
    place         text        not null,
    target_entity text        not null,
    key           text        not null,
    -- The key that the record had until then, where the event tells of another one.
    former_key    text        not null default '',
    -- The vendor's own time of the change.
    at            timestamptz not null,
    event         jsonb       not null,
    source        text        not null,
    trace_id      text        not null,
    kept_at       timestamptz not null
);

create index target_event_of_key on flow.target_event (connection, place, target_entity, key);

-- What a crash before this release left in flight is owed a late look too.
insert into flow.audit (account, connection, place, target_entity, key, sync, entity, record, due_at)
select distinct on (i.account, i.place, i.target_entity, i.target_key)
       i.account, i.connection, i.place, i.target_entity, i.target_key, i.sync, i.entity, i.record, i.sent_at + interval '4 hours'
  from flow.write_intent i where i.state = 'sent'
 order by i.account, i.place, i.target_entity, i.target_key, i.sent_at desc
on conflict do nothing;
