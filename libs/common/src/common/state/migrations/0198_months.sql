-- What was taken of limits of a month, by the day of its use: from that the month's end is foretold.
create table flow.budget_use (
    limit_id text    not null,
    day      date    not null,
    taken    integer not null check (taken >= 0),
    primary key (limit_id, day)
);
-- The console calls through the same budgets as everybody else.
grant insert, update, delete on flow.budget_use to millrace_console;
