-- Which record was merged into which other one at its source: what is told of the one from then on is told of the other.
create table flow.merged_record (
    connection  text        not null,
    entity      text        not null,
    record      text        not null,
    -- Who is left in the end, where that one was merged away too.
    into_record text        not null,
    at          timestamptz not null,
    primary key (connection, entity, record)
);
create index merged_record_into on flow.merged_record (connection, entity, into_record);
