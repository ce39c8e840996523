-- What a person has to decide about a pair: two values of a field that both sides have changed (R20), or the edit of a record whose
-- counterpart is gone (R22; the field is empty then).
create table flow.pair_question (
    pair        bigint      not null references flow.pair (id),
    field       text        not null,
    kind        text        not null check (kind in ('differs', 'gone')),
    -- The answer holds for these two values and for no others.
    left_value  jsonb,
    right_value jsonb,
    asked_at    timestamptz not null,
    -- Empty while it is open.
    winner      text        not null default '' check (winner in ('', 'left', 'right')),
    answered_at timestamptz,
    answered_by text        not null default '',
    why         text        not null default '',
    primary key (pair, field)
);
create index pair_question_open on flow.pair_question (asked_at, pair, field) where winner = '';
grant update on flow.pair_question to millrace_console;
