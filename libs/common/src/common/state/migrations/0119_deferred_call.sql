-- Calls that a vendor carries out later: one row from before they are handed in until all of their intents have an end.
create table flow.deferred_call (
    attempt       text        primary key,
    connection    text        not null,
    place         text        not null,
    target_entity text        not null,
    -- How many records it is about.
    size          integer     not null,
    -- The vendor's own name of it; empty until its answer is stored.
    handle        text        not null default '',
    -- Business time.
    sent_at       timestamptz not null,
    -- By the database's time: when it has arrived or never will, when it is called off, and when somebody asks next.
    arrives_until timestamptz not null,
    ends_at       timestamptz not null,
    poll_at       timestamptz not null,
    -- How often its results could not be read.
    tries         integer     not null default 0,
    lease_until   timestamptz
);

create index deferred_call_due on flow.deferred_call (connection, poll_at);
create index deferred_call_ended on flow.deferred_call (ends_at);
