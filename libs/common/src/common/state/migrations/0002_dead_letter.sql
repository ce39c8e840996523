-- Records that a consumer could not handle, byte for byte, with the reason; written in the transaction of their batch.

create table flow.dead_letter (
    id                    bigint generated always as identity primary key,
    err_group             text        not null,
    err_topic             text        not null,
    err_partition         integer     not null,
    err_offset            bigint      not null,
    err_service           text        not null,
    err_version           text        not null,
    err_stage             text        not null
        check (err_stage in ('verify', 'normalise', 'map', 'dedupe', 'token', 'write', 'audit')),
    err_code              text        not null,
    err_class             text        not null
        check (err_class in ('TRANSIENT', 'UNKNOWN', 'RATE_LIMITED', 'UNAUTHORISED', 'CONFLICT', 'REJECTED', 'BUG')),
    err_message           text        not null check (octet_length(err_message) <= 1024),
    err_vendor_status     integer,
    err_vendor_code       text        not null default '',
    err_vendor_words      text        not null default '',
    err_vendor_request_id text        not null default '',
    err_attempts          integer     not null default 1,
    err_first_at          timestamptz not null,
    err_last_at           timestamptz not null,
    trace_id              text        not null default '',
    -- The record as it came. Null differs from empty, header names may repeat, and their order stays.
    record_key            bytea,
    record_value          bytea,
    header_names          bytea[]     not null,
    header_values         bytea[]     not null,
    recorded_at           timestamptz not null,
    state                 text        not null default 'open' check (state in ('open', 'retried', 'discarded')),
    closed_at             timestamptz,
    closed_by             text        not null default '',
    close_reason          text        not null default '',
    check ((state = 'open') = (closed_at is null)),
    -- The record's own time is part of its identity: a topic that is made anew starts its offsets again, and its records must
    -- not be taken for the old ones.
    unique (err_group, err_topic, err_partition, err_offset, recorded_at)
);

create index dead_letter_open on flow.dead_letter (id) where state = 'open';
create index dead_letter_closed on flow.dead_letter (closed_at) where state <> 'open';

-- The console only closes and reopens letters: what went wrong and the record itself are not its to change.
grant update (state, closed_at, closed_by, close_reason) on flow.dead_letter to millrace_console;
