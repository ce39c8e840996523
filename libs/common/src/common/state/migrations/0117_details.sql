-- The newest version of which a record's detail was told: what a row of a list lacks is asked for once a version.
alter table flow.record_state add column detail text not null default '';
-- What was told before this release: no list has addresses, so whoever has one was told by a webhook or read by id.
update flow.record_state set detail = told ->> 'billing' where told ? 'billing';

-- A listing may ask for as many records as there are: they come after all others, and a day has a share for them.
alter table flow.read_request
    add column lane    text not null default 'live' check (lane in ('live', 'backfill')),
    -- The version that has to be read; a request for the same one adds nothing.
    add column version text not null default '',
    -- The job that listed the record.
    add column job     text not null default '';
create index read_request_of_lane on flow.read_request (lane, not_before);
drop index flow.read_request_due;
create index read_request_of_job on flow.read_request (connection, job) where job <> '';

-- How many of a day's calls such reads have had, by the vendor's own limit.
create table flow.read_day (
    limit_id text    not null,
    day      date    not null,
    reads    integer not null default 0,
    primary key (limit_id, day)
);
