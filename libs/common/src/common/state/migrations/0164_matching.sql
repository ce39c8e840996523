-- By what records of legs that lead both ways are held against each other when they have no counterpart: the hashes of what the leg's rules
-- compare, kept up in the transactions that tell of the records. A record that is deleted, or that its leg's filter leaves out, has no row.
create table flow.match_value (
    sync        text not null,
    -- The forward leg, whose rules these are, and the side that the record is on.
    leg         text not null,
    side        text not null check (side in ('left', 'right')),
    record      text not null,
    -- Empty: the record is in the leg; the value is then the id of its parent, or empty.
    rule        text not null,
    value       text not null,
    -- Empty: itself; else the kind of records, one of which tells this of it: an address of a contact person, of its company.
    told_entity text not null default '',
    told_record text not null,
    primary key (sync, leg, side, record, rule, value, told_entity, told_record)
);
create index match_value_of on flow.match_value (sync, leg, rule, value, side, record);
create index match_value_told on flow.match_value (sync, leg, side, told_record, told_entity);

-- The records that were there before a leg had these rules are gone through once for each of its versions, before anybody is judged by it.
create table flow.match_fill (
    sync        text not null,
    leg         text not null,
    -- Of the forward leg and its way back.
    versions    text not null,
    connection  text not null,
    entity      text not null,
    cursor      text not null default '',
    finished_at timestamptz,
    primary key (sync, leg, versions, connection, entity)
);

-- Legs whose both sides were read and gone through, by which versions, and since when the first of them was.
create table flow.match_ready (
    sync     text        not null,
    leg      text        not null,
    versions text        not null,
    since    timestamptz not null,
    primary key (sync, leg)
);

-- Records of which somebody else has told something by which they may be matched otherwise: they are judged once more. Rows are only added,
-- so that nobody waits for anybody's record.
create table flow.match_again (
    id     bigint generated always as identity primary key,
    sync   text   not null,
    leg    text   not null,
    side   text   not null,
    record text   not null
);

-- A one-ended pair that goes into another takes what was asked of it along.
alter table flow.pair_question
    drop constraint pair_question_pair_fkey,
    drop constraint pair_question_kind_check,
    drop constraint pair_question_winner_check,
    add constraint pair_question_pair_fkey foreign key (pair) references flow.pair (id) on delete cascade,
    add constraint pair_question_kind_check check (kind in ('differs', 'gone', 'match', 'unmatched')),
    add constraint pair_question_winner_check check (winner in ('', 'left', 'right', 'new', 'leave'));

-- The rest of that function stays as it is, whichever version of it is there.
do $$
declare
    old text := pg_get_functiondef('flow.redact(text, text[], text[], text, timestamptz)'::regprocedure);
    new text := replace(old, 'delete from flow.feed_row f using', 'delete from flow.match_value v using unnest(p_entities, p_records) as n(e, r), core.leg l
     where (l.source_connection, l.source_entity, l.sync) = (p_connection, n.e, v.sync) and v.told_record = n.r;
    delete from flow.feed_row f using');
begin
    if new = old then
        raise exception 'flow.redact does not forget what records tell of others as expected';
    end if;
    execute new;
end
$$;
