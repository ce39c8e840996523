-- Webhooks of known connections whose signature did not fit: kept for a person to look at, never processed.

create table flow.quarantine (
    id          bigint generated always as identity primary key,
    connection  text        not null,
    vendor      text        not null,
    received_at timestamptz not null,
    reason      text        not null,
    query       text        not null,
    headers     jsonb       not null,
    -- At most as much as the gateway keeps; `size` is what came.
    body        bytea       not null,
    size        integer     not null
);

create index quarantine_of_connection on flow.quarantine (connection, id);
