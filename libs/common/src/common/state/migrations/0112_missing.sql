-- Records that a complete listing lacked, too many to be read by id without asking: they wait here for an answer, or for the next such listing.
create table flow.poll_missing (
    connection text not null,
    entity     text not null,
    place      text not null default '',
    record     text not null,
    primary key (connection, entity, place, record)
);
grant delete on flow.poll_missing to millrace_console;
-- A person's "read them" asks as the mapper does.
grant insert, update on flow.read_request to millrace_console;

-- How many list calls a reading has made, and a run's source has cost.
alter table flow.poll add column pages integer not null default 0;
alter table flow.run_source add column calls integer not null default 0;
