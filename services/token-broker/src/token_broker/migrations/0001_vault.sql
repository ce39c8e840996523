-- The vault: owned by the token-broker's role, unreadable for every other. Everything secret is sealed before it comes here.

create table vault.ring_key (
    id         text        primary key,
    -- A known text sealed with the key: tells a wrong key of the same name from the right one.
    proof      bytea       not null,
    known_at   timestamptz not null default now()
);

create table vault.data_key (
    -- A connection, or "consent:<id>" for a grant whose place has not been chosen yet.
    subject    text        primary key,
    ring_key   text        not null references vault.ring_key (id),
    wrapped    bytea       not null,
    made_at    timestamptz not null default now(),
    wrapped_at timestamptz not null default now()
);
create index data_key_of_ring_key on vault.data_key (ring_key);

create table vault.credential (
    connection         text        primary key,
    vendor             text        not null,
    kind               text        not null check (kind in ('oauth', 'client_credentials', 'api_key')),
    state              text        not null default 'active' check (state in ('active', 'needs_reauth', 'revoking')),
    reason_code        text        not null default '',
    reason             text        not null default '',
    site               text        not null,
    place              text        not null default '',
    owner              text        not null default '',
    details            jsonb       not null default '{}',
    scopes             text[]      not null default '{}',
    -- Raised with each new access token; sealed into both ciphertexts, so that an older one put back does not open.
    generation         bigint      not null,
    -- Raised with each new consent or key; the vendor's token budget belongs to it.
    lineage            bigint      not null,
    -- The refresh that stored this generation: a store whose commit was lost recognises its own work.
    attempt            uuid,
    sealed_access      bytea,
    sealed_refresh     bytea,
    made_at            timestamptz not null,
    made_because       text        not null default 'consent',
    expires_at         timestamptz,
    refresh_at         timestamptz,
    refresh_expires_at timestamptz,
    granted_at         timestamptz not null,
    granted_by         text        not null default '',
    refreshed_at       timestamptz,
    retry_at           timestamptz,
    failures           integer     not null default 0,
    -- Gates that we closed and have to lift again.
    closed             text[]      not null default '{}'
);
create index credential_due on vault.credential (refresh_at) where state = 'active' and refresh_at is not null;
create index credential_owner on vault.credential (vendor, site, owner);

-- Written before a refresh is sent. What is found here with the lock free is an answer that nobody saw.
create table vault.refresh_intent (
    connection text        primary key references vault.credential (connection) on delete cascade,
    generation bigint      not null,
    attempt    uuid        not null,
    started_at timestamptz not null,
    -- By the database's clock: until then the sender may still be alive and waiting for the answer.
    deadline   timestamptz not null,
    -- How often the outcome of this generation's refresh remained unknown.
    unknown    integer     not null default 0
);

-- Every token that we asked a vendor for, counted before it is asked for: the budget survives every restart.
create table vault.token_call (
    id         bigint generated always as identity primary key,
    connection text        not null,
    lineage    bigint      not null,
    at         timestamptz not null,
    because    text        not null,
    outcome    text        not null default 'sent',
    code       text        not null default '',
    words      text        not null default ''
);
create index token_call_window on vault.token_call (connection, lineage, at);
create index token_call_age on vault.token_call (at);

create table vault.consent (
    id             text        primary key,
    connection     text        not null,
    vendor         text        not null,
    family         text        not null,
    name           text        not null,
    asked_site     text        not null,
    -- On a reconnect: the place the new grant must open.
    wanted_place   text        not null default '',
    asked_by       text        not null default '',
    state          text        not null default 'waiting' check (
        state in ('waiting', 'opened', 'exchanging', 'granted', 'choose', 'complete', 'denied', 'expired', 'cancelled', 'failed')),
    code           text        not null default '',
    message        text        not null default '',
    next           text        not null default '',
    ticket_hash    bytea       not null unique,
    session_hash   bytea,
    state_hash     bytea       unique,
    sealed_verifier bytea,
    made_at        timestamptz not null,
    expires_at     timestamptz not null,
    changed_at     timestamptz not null,
    site           text        not null default '',
    scopes         text[]      not null default '{}',
    details        jsonb       not null default '{}',
    places         jsonb       not null default '[]',
    place          text        not null default '',
    owner          text        not null default '',
    sealed_access  bytea,
    sealed_refresh bytea,
    token_made_at  timestamptz,
    token_lives_s  double precision,
    refresh_lives_s double precision
);
create index consent_open on vault.consent (expires_at)
    where state in ('waiting', 'opened', 'exchanging', 'granted', 'choose');

create table vault.webhook_secret (
    connection  text        not null,
    vendor      text        not null,
    slot        text        not null,
    version     bigint      not null,
    sealed      bytea       not null,
    made_at     timestamptz not null,
    valid_until timestamptz,
    primary key (connection, slot, version)
);

-- Who read which credential when. Written in batches, at most a second after the read.
create table vault.access_log (
    id         bigint generated always as identity primary key,
    at         timestamptz not null,
    caller     text        not null,
    connection text        not null,
    vendor     text        not null,
    what       text        not null,
    generation bigint,
    outcome    text        not null,
    trace_id   text        not null default ''
);
create index access_log_of_connection on vault.access_log (connection, id desc);
create index access_log_age on vault.access_log (at);
