-- How a writer's failures end: looks are counted apart from attempts, and rows whose call broke as a whole are remembered together.

alter table flow.work_item
    -- Looks after an unseen outcome that failed in a row.
    add column looks      integer not null default 0,
    -- The call that broke for all of its rows: they wait for each other, and are sent again in parts, until the guilty one stands alone.
    add column call_group text    not null default '';

create index work_item_held_of_call on flow.work_item (call_group) where state = 'hold' and call_group <> '';

-- What is ready is taken whatever the clock says; what waits is taken when its time has come. Both are found for all syncs at once by
-- jumping from one (sync, priority) to the next.
drop index flow.work_item_due;
create index work_item_ready on flow.work_item (sync, priority, due_at) where state = 'ready';
create index work_item_waiting on flow.work_item (sync, priority, due_at) where state = 'waiting';

-- A row that was given back because another record had its target waits for a moment; nothing ready lies in the future.
update flow.work_item set state = 'waiting' where state = 'ready' and due_at > now();

grant update (looks) on flow.work_item to millrace_console;
