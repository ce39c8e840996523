-- What records tell of others: an invoice of its customer. Of each such record the few fields that facts are made of, and of whom it tells.

create table flow.feed_row (
    connection text  not null,
    entity     text  not null,
    record     text  not null,
    fed_entity text  not null,
    fed_record text  not null,
    fields     jsonb not null,
    primary key (connection, entity, record, fed_entity, fed_record)
);
create index feed_row_of_fed on flow.feed_row (connection, fed_entity, fed_record);

-- What was told before this release.
insert into flow.feed_row (connection, entity, record, fed_entity, fed_record, fields)
select s.connection, s.entity, s.record, 'customer', s.fields ->> 'customer_id',
       coalesce((select jsonb_object_agg(f.key, f.value) from jsonb_each(s.fields) as f
                  where f.key = any(case s.entity when 'invoice' then array['status', 'issued_on', 'currency', 'balance', 'due_on']
                                                  else array['paid_on'] end)), '{}')
  from flow.record_state s
 where s.entity in ('invoice', 'payment') and not s.deleted and s.fields ->> 'customer_id' <> '';

-- Which kinds of records facts need, and whether they have been read: facts of half of the invoices are wrong, not late.
create table flow.feeding (
    connection text        not null,
    entity     text        not null,
    place      text        not null default '',
    wanted_at  timestamptz not null,
    -- The listing of everything that ended last, and how many records it told of.
    listing    text        not null default '',
    records    bigint      not null default 0,
    -- All of them have arrived.
    ready_at   timestamptz,
    primary key (connection, entity, place)
);

-- Who of a listing has arrived; until all have.
create table flow.feed_met (
    connection text not null,
    entity     text not null,
    listing    text not null,
    record     text not null,
    primary key (connection, entity, listing, record)
);

-- When the calendar alone changes a record's facts. Without a time: when everything that they are made of has been read.
create table flow.fact_due (
    connection text not null,
    entity     text not null,
    record     text not null,
    next_at    timestamptz,
    primary key (connection, entity, record)
);
create index fact_due_next on flow.fact_due (next_at) where next_at is not null;
create index fact_due_waiting on flow.fact_due (connection) where next_at is null;
