-- While Redis is away calls go one by one, by turns (flow.budget_window).

alter table flow.budget_window
    -- Since when turns have been asked for without a pause, and when the last time was.
    add column turns_since timestamptz not null default '-infinity',
    add column turns_asked timestamptz not null default '-infinity';

-- What processes have in progress of a limit of calls at once, told as long as Redis does not hear it.
create table flow.budget_in_progress (
    limit_id text        not null,
    process  text        not null,
    calls    integer     not null check (calls >= 0),
    -- A process that lives has said so again by then.
    until    timestamptz not null,
    primary key (limit_id, process)
);

grant insert, update, delete on flow.budget_in_progress to millrace_console;
