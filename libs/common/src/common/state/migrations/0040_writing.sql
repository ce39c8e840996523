-- What the writers remember: what each record shall look like at its target, who works on it, what was sent, what the target has.

-- The newest wish of every (sync, record). Rows are kept for ever: they outlive Kafka's retention, so that an old command is known as old (R7).
create table flow.work_item (
    sync            text        not null,
    entity          text        not null,
    record          text        not null,
    source          text        not null,
    connection      text        not null,
    place           text        not null default '',
    revision        bigint      not null,
    wish            text        not null check (wish in ('present', 'absent')),
    skip            text        not null default '',
    document        jsonb       not null,
    mapping_version integer     not null,
    -- The key at the target that the wish names; empty when it names none.
    target_key      text        not null default '',
    lane            text        not null,
    priority        smallint    not null,
    run             text        not null default '',
    event_id        text        not null default '',
    replay          text        not null default '',
    happened_at     timestamptz not null,
    traceparent     text        not null default '',
    state           text        not null check (state in ('ready', 'leased', 'hold', 'waiting', 'parked', 'dead', 'done')),
    -- Business time: when it may be taken, and when a look may settle it.
    due_at          timestamptz not null,
    hold_until      timestamptz,
    -- The database's own time.
    token           uuid,
    lease_until     timestamptz,
    attempts        integer     not null default 0,
    -- What was done for this revision so far, and what became of it.
    did             text        not null default '',
    outcome         text        not null default '',
    reason          text        not null default '',
    code            text        not null default '',
    kind            text        not null default '',
    message         text        not null default '',
    vendor_status   integer,
    vendor_code     text        not null default '',
    vendor_words    text        not null default '',
    vendor_request  text        not null default '',
    failed_first_at timestamptz,
    failed_last_at  timestamptz,
    received_at     timestamptz not null,
    changed_at      timestamptz not null,
    primary key (sync, entity, record)
);

create index work_item_due on flow.work_item (sync, priority, due_at) where state in ('ready', 'waiting');
create index work_item_leased on flow.work_item (connection, lease_until) where state = 'leased';
create index work_item_held on flow.work_item (connection, hold_until) where state = 'hold';
create index work_item_stuck on flow.work_item (failed_last_at) where state in ('dead', 'parked');
create index work_item_of_record on flow.work_item (source, entity, record);
create index work_item_of_run on flow.work_item (run) where run <> '';

-- One lease per target key, held over all keys of a record, old and new, as long as its work item is leased or on hold (R13).
create table flow.target_lease (
    connection text not null,
    place      text not null,
    key        text not null,
    sync       text not null,
    entity     text not null,
    record     text not null,
    primary key (connection, place, key)
);

create index target_lease_of_record on flow.target_lease (sync, entity, record);

-- Which records map to which target key; committed before the call, removed with its result (R13, R14).
create table flow.target_owner (
    connection text        not null,
    place      text        not null,
    key        text        not null,
    sync       text        not null,
    entity     text        not null,
    record     text        not null,
    standing   text        not null check (standing in ('live', 'leaving')),
    since      timestamptz not null,
    primary key (connection, place, key, sync, entity, record)
);

create index target_owner_of_record on flow.target_owner (sync, entity, record);

-- Which record of the source is which record of the target: data that people can see.
create table flow.record_link (
    sync       text        not null,
    entity     text        not null,
    record     text        not null,
    connection text        not null,
    place      text        not null,
    target_key text        not null,
    target_id  text        not null default '',
    state      text        not null check (state in ('reserved', 'linked')),
    rule       text        not null default '',
    since      timestamptz not null,
    primary key (sync, entity, record)
);

create index record_link_of_target on flow.record_link (connection, place, target_key);

-- What we know of a target record: the values last agreed on, which tags are ours, and its consent with who changed it and when.
create table flow.target_record (
    connection      text        not null,
    place           text        not null,
    key             text        not null,
    target_id       text        not null default '',
    -- Null: nobody has looked.
    present         boolean,
    -- Whether it was ever there, as far as we know: what was there and is gone is not made again.
    met             boolean     not null default false,
    values          jsonb       not null default '{}',
    ours            jsonb       not null default '[]',
    standing        text        not null default '',
    standing_at     timestamptz,
    standing_by     text        not null default '',
    standing_reason text        not null default '',
    -- The standing it had when we archived it: the highest that it may come back with.
    former          text        not null default '',
    -- The key whose consent was copied when we made it.
    born_of         text        not null default '',
    -- Why it is never written again: a reason of the closed list of skip reasons.
    barred          text        not null default '',
    -- Look before anything is decided.
    doubtful        boolean     not null default false,
    looked_at       timestamptz,
    changed_at      timestamptz not null,
    primary key (connection, place, key)
);

-- One row per record of each call that can change something; `sent` without a stored answer is in flight, whoever holds the lease (R2).
create table flow.write_intent (
    attempt         text        not null,
    sync            text        not null,
    entity          text        not null,
    record          text        not null,
    connection      text        not null,
    place           text        not null,
    target_key      text        not null,
    revision        bigint      not null,
    mapping_version integer     not null,
    action          text        not null,
    sent            jsonb       not null,
    standing        text        not null default '',
    before          jsonb       not null,
    body_hash       text        not null,
    state           text        not null check (state in ('sent', 'answered', 'settled')),
    verdict         text        not null default '',
    sent_at         timestamptz not null,
    hold_until      timestamptz not null,
    closed_at       timestamptz,
    run             text        not null default '',
    event_id        text        not null default '',
    trace_id        text        not null default '',
    primary key (attempt, sync, entity, record)
);

create index write_intent_open on flow.write_intent (sync, entity, record) where state = 'sent';
-- An echo of our own write is recognised by it, also when it comes before the answer.
create index write_intent_of_target on flow.write_intent (connection, place, target_key, sent_at);

-- After an outcome that nobody saw: one late look, hours later (R4).
create table flow.audit (
    connection text        not null,
    place      text        not null,
    key        text        not null,
    sync       text        not null,
    entity     text        not null,
    record     text        not null,
    due_at     timestamptz not null,
    primary key (connection, place, key)
);

create index audit_due on flow.audit (due_at);

-- Work that waits for a person is listed, tried again and discarded from the console, which tells of it in the journal.
grant update (state, due_at, attempts, outcome, reason, changed_at) on flow.work_item to millrace_console;
grant insert on flow.journal to millrace_console;
