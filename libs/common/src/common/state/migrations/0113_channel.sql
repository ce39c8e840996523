-- Webhooks are kept: one row for each connection that shall call us, and one for each subject of it, a kind of records or a place.
create table flow.channel (
    connection  text        primary key,
    -- The address that the vendor has of us since the last audit.
    base        text        not null default '',
    next_at     timestamptz not null,
    state       text        not null default 'new' check (state in ('new', 'kept', 'waits', 'by_hand')),
    audited_at  timestamptz,
    -- What an audit last had to mend or to remove, in words.
    found       text[]      not null default '{}',
    found_at    timestamptz,
    -- Audits that failed, one after the other, and what the last one was told.
    attempts    integer     not null default 0,
    code        text        not null default '',
    words       text        not null default '',
    lease       uuid,
    lease_until timestamptz
);
-- A person asks for an audit now.
grant update (next_at) on flow.channel to millrace_console;

create table flow.channel_subject (
    connection text        not null references flow.channel on delete cascade,
    subject    text        not null,
    -- No sync wants it any more: it is removed at the vendor, and then here.
    wanted     boolean     not null default true,
    since      timestamptz not null,
    -- The last webhook that was verified.
    heard_at   timestamptz,
    primary key (connection, subject)
);
