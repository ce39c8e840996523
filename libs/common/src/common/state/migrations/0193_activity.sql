-- What an audience tells of its members, for every customer whose member it is: one row an event and customer, however often it is told. An edit
-- of a profile names fields and never a value.
create table flow.activity (
    -- The customer, at its source.
    connection text        not null,
    entity     text        not null,
    record     text        not null,
    event_id   text        not null,
    kind       text        not null check (kind in (
        'subscribed', 'unsubscribed', 'cleaned', 'profile', 'address_changed', 'archived', 'seen'
    )),
    -- `event`: the audience told it by itself; `read`: only reading showed it.
    source     text        not null check (source in ('event', 'read')),
    -- The vendor's stamp.
    at         timestamptz not null,
    fields     jsonb       not null default '[]',
    reason     text        not null default '',
    -- The audience, by the connection that told it, and its member.
    told_by    text        not null,
    account    text        not null,
    place      text        not null,
    key        text        not null,
    kept_at    timestamptz not null,
    primary key (connection, entity, record, event_id)
);
-- The newest of one customer, whatever the others have.
create index activity_newest on flow.activity (connection, entity, record, at desc, event_id desc);
create index activity_kept on flow.activity (kept_at);

-- Customers of whom there is a row that the mapper has not judged them by. Rows are only added, so that nobody waits for anybody's record.
create table flow.activity_due (
    id         bigint generated always as identity primary key,
    connection text not null,
    entity     text not null,
    record     text not null
);

-- Whom somebody asks us to forget leaves no row. The rest of that function stays as it is, whichever version of it is there.
do $$
declare
    old text := pg_get_functiondef('flow.redact(text, text[], text[], text, timestamptz)'::regprocedure);
    new text := replace(old, 'delete from flow.feed_row f using', 'delete from flow.activity a using unnest(p_entities, p_records) as n(e, r)
     where (a.connection, a.entity, a.record) = (p_connection, n.e, n.r);
    delete from flow.feed_row f using');
begin
    if new = old then
        raise exception 'flow.redact does not forget what records tell of others as expected';
    end if;
    execute new;
end
$$;
