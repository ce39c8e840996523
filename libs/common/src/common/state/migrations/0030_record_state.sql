-- What the mapper remembers: the latest state of each source record, and what each sync wants of it.

create table flow.record_state (
    connection   text        not null,
    entity       text        not null,
    record       text        not null,
    -- The neutral fields, custom ones as `custom.<name>`, and by which version each was last told.
    fields       jsonb       not null default '{}',
    told         jsonb       not null default '{}',
    sequence     text        not null default '',
    deleted      boolean     not null default false,
    existence_at timestamptz,
    first_at     timestamptz not null,
    changed_at   timestamptz not null,
    primary key (connection, entity, record)
);

-- People look for a customer by its address.
create index record_state_by_email on flow.record_state (lower(fields ->> 'email')) where fields ? 'email';

create table flow.wanted (
    sync               text        not null,
    entity             text        not null,
    record             text        not null,
    connection         text        not null,
    -- R9: orders everything downstream; raised when the wanted document changes, for whatever reason.
    revision           bigint      not null,
    published_revision bigint      not null default 0,
    wish               text        not null check (wish in ('present', 'absent')),
    skip               text        not null default '',
    document           jsonb       not null,
    content            text        not null,
    mapping_version    integer     not null,
    lane               text        not null,
    run                text        not null default '',
    event_id           text        not null default '',
    happened_at        timestamptz not null,
    traceparent        text        not null default '',
    changed_at         timestamptz not null,
    primary key (sync, entity, record)
);

create index wanted_of_record on flow.wanted (connection, entity, record);
create index wanted_unpublished on flow.wanted (changed_at) where revision > published_revision;

create table flow.remap (
    sync            text        not null,
    mapping_version integer     not null,
    cursor          text        not null default '',
    seen            bigint      not null default 0,
    changed         bigint      not null default 0,
    started_at      timestamptz not null,
    finished_at     timestamptz,
    primary key (sync, mapping_version)
);

-- Records that somebody has to read by id before anything can be decided; the mapper asks, ingest reads.
create table flow.read_request (
    connection  text        not null,
    entity      text        not null,
    record      text        not null,
    reason      text        not null,
    not_before  timestamptz not null,
    asked       bigint      not null default 1,
    attempts    integer     not null default 0,
    lease       uuid,
    lease_until timestamptz,
    traceparent text        not null default '',
    asked_at    timestamptz not null,
    primary key (connection, entity, record)
);

create index read_request_due on flow.read_request (not_before);
