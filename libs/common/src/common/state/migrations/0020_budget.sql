-- What the rate meters must still know when Redis has lost its memory: until when a limit may have been in use, and how many
-- calls of a day were ever given out. Both are written ahead, so that what stands here is never less than what happened.

create table flow.budget_window (
    limit_id     text        primary key,
    -- Calls may have been made under this limit until then.
    active_until timestamptz not null default '-infinity',
    -- While Redis is away: when the next single call may go, for all processes together.
    pace_next    timestamptz not null default '-infinity'
);

create table flow.budget_day (
    limit_id  text    not null,
    day       date    not null,
    -- Calls given out in blocks; Redis only hands out the block that was taken last.
    granted   integer not null check (granted >= 0),
    -- The vendor itself said that nothing is left.
    exhausted boolean not null default false,
    primary key (limit_id, day)
);
