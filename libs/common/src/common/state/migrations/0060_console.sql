-- What the console keeps of its own work: connections that a person has begun to connect, and answers to requests that may come twice.

create table core.connecting (
    connection  text        primary key references core.connection (id) on delete cascade,
    -- The consent at the token-broker; empty where the credential was given and no browser is needed.
    consent     text        not null default '',
    state       text        not null default 'open' check (state in ('open', 'done', 'ended')),
    -- The organisation or account that the connection speaks for: a later grant has to open the same one.
    place       text        not null default '',
    began_at    timestamptz not null,
    began_by    text        not null default '',
    tries       integer     not null default 0,
    next_try_at timestamptz not null,
    code        text        not null default '',
    message     text        not null default ''
);
create index connecting_open on core.connecting (next_try_at) where state = 'open';

create table core.idempotency (
    key         text        primary key,
    -- Of the method, the address and the body: the same key with another wish is a mistake of the caller.
    fingerprint text        not null,
    made_at     timestamptz not null default now(),
    -- By the database's clock: until then somebody is at work on it.
    lease_until timestamptz not null,
    status      integer,
    body        jsonb
);
create index idempotency_age on core.idempotency (made_at);

-- The console tries connections through the same budgets as everybody else, so it writes their floor as everybody does.
grant insert, update, delete on flow.budget_window, flow.budget_day to millrace_console;

-- Neither table is configuration that services act on: no revision is raised for them.
