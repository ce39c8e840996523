-- What finance is told of a day, once, and where it goes; so do notifications, to whoever asked for them.

-- When people want the summary. No row: nobody does.
create table core.summary_setting (
    only_row  boolean     primary key default true check (only_row),
    -- The local hour of the day after, as 07:00.
    at        text        not null,
    zone      text        not null,
    -- The first day that is told of: who begins today is not told of last year.
    first_day date        not null
);

-- One row a day, made once: what was told stays as it was told.
create table core.summary (
    day          date        primary key,
    zone         text        not null,
    begins_at    timestamptz not null,
    ends_at      timestamptz not null,
    made_at      timestamptz not null,
    figures      jsonb       not null,
    notification bigint      references core.notification (id) on delete set null
);
create index summary_of_notification on core.summary (notification) where notification is not null;

-- An address that things are told to. The secret of a webhook is in the vault, under the destination's id.
create table core.destination (
    id         text        primary key,
    kind       text        not null check (kind in ('email', 'webhook')),
    address    text        not null,
    summaries  boolean     not null,
    alerts     boolean     not null,
    created_at timestamptz not null,
    unique (kind, address)
);

-- One notification on its way to one destination; `id` is the same on each attempt, so that a repeat is known as one.
create table core.delivery (
    notification bigint      not null references core.notification (id) on delete cascade,
    destination  text        not null references core.destination (id) on delete cascade,
    id           text        not null default 'msg_' || replace(gen_random_uuid()::text, '-', ''),
    state        text        not null default 'waiting' check (state in ('waiting', 'sent', 'failed')),
    attempts     integer     not null default 0,
    -- Attempts of which nobody saw the end: a lost answer, or a sender that died.
    unseen       integer     not null default 0,
    due_at       timestamptz not null,
    ended_at     timestamptz,
    words        text        not null default '',
    -- The database's own time.
    token        uuid,
    lease_until  timestamptz,
    primary key (notification, destination)
);
create index delivery_due on core.delivery (due_at) where state = 'waiting';
create index delivery_of_destination on core.delivery (destination, notification desc);

-- A day is a range of a journal that grows with time: a few pages of an index lead to it, whatever the journal's size.
create index journal_by_time on flow.journal using brin (at) with (pages_per_range = 32);
