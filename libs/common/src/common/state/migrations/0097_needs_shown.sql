-- outside a transaction
-- The oldest of what waits may be a record that waits for another one.
drop index concurrently if exists flow.work_item_oldest;
create index concurrently work_item_oldest on flow.work_item (sync, received_at)
    where coalesce(state, '') in ('ready', 'leased', 'hold', 'waiting', 'awaiting');
