-- Both sides of a leg compared: one row for each leg whose target can be listed as a whole.
create table flow.reconciliation (
    sync        text        not null,
    entity      text        not null,
    -- When it is next worked at: the night, now because a person asked, or after a failure.
    due_at      timestamptz not null,
    asked_by    text        not null default '',
    -- A person has said that everything is repaired, however much it is.
    over_cap    boolean     not null default false,
    state       text        not null default 'resting' check (state in ('resting', 'listing', 'repairing', 'asked')),
    began_by    text        not null default '',
    began_at    timestamptz,
    cursor      text        not null default '',
    pages       integer     not null default 0,
    compared    bigint      not null default 0,
    moved       bigint      not null default 0,
    attempts    integer     not null default 0,
    words       text        not null default '',
    lease       uuid,
    lease_until timestamptz,
    -- What the last one came to.
    ended_at    timestamptz,
    result      jsonb       not null default '{}',
    primary key (sync, entity)
);
grant insert, update on flow.reconciliation to millrace_console;

-- Whom of ours a listing under way has shown.
create table flow.reconcile_met (
    sync   text not null,
    entity text not null,
    key    text not null,
    primary key (sync, entity, key)
);

-- What the last reconciliation has found.
create table flow.reconcile_difference (
    sync        text        not null,
    entity      text        not null,
    record      text        not null,
    key         text        not null,
    kind        text        not null check (kind in ('drifted', 'missing', 'superfluous')),
    fields      text[]      not null default '{}',
    -- When it was handed over to be written once more.
    repaired_at timestamptz,
    primary key (sync, entity, record)
);
