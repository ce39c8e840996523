-- Whole accounts, read again and again: one row for each source that somebody wants, and how far it has been read.
create table flow.poll (
    connection  text        not null,
    entity      text        not null,
    place       text        not null default '',
    -- R11: how far it was read, in the vendor's own words; empty: from the beginning.
    cursor      text        not null default '',
    -- The reading under way: `backfill.7`, `full.8`, `poll.9`. Empty between two.
    job         text        not null default '',
    began_at    timestamptz,
    -- The job that a person wants next, before the schedule does.
    asked       text        not null default '',
    asked_by    text        not null default '',
    next_at     timestamptz not null,
    -- Readings that failed, one after the other, and the last one's words.
    attempts    integer     not null default 0,
    words       text        not null default '',
    -- Until then it is read more often: a change was found that no webhook had announced.
    quick_until timestamptz,
    -- List calls of a day, which quick readings may take a share of.
    calls_day   date,
    calls       integer     not null default 0,
    ended_at    timestamptz,
    -- When everything was last listed, and how many records that listing lacked, if they were too many to be read without asking.
    whole_at    timestamptz,
    missing     integer     not null default 0,
    lease       uuid,
    lease_until timestamptz,
    primary key (connection, entity, place)
);
create index poll_due on flow.poll (next_at);
grant insert on flow.poll to millrace_console;
grant update (asked, asked_by, next_at, missing) on flow.poll to millrace_console;

-- Which records the reading under way has met: what a whole listing lacks may be gone, and a run's books are held against their number.
create table flow.poll_seen (
    connection text not null,
    entity     text not null,
    place      text not null default '',
    record     text not null,
    -- Told with a state, or only named: what is only named is read by id, and is no record of the run.
    told       boolean not null,
    primary key (connection, entity, place, record)
);

-- What a run reads, and how many records that came to once it was read to its end: a run is over when all of that has entered.
create table flow.run_source (
    run          text not null,
    connection   text not null,
    entity       text not null,
    place        text not null default '',
    records_read bigint,
    primary key (run, connection, entity, place)
);
grant insert on flow.run_source to millrace_console;

create index run_reading on flow.run (id) where closed_at is null and kind in ('poll', 'full', 'backfill');
