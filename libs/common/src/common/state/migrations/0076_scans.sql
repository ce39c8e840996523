-- outside a transaction
-- Indexes for lists that have to hold at a million work items and ten million journal rows. They are built while writers go on; a run
-- that was broken off leaves an invalid index, so each is dropped first.

-- Written so that no other question matches it: the planner would take it for a writer's claim, and sort a hundred thousand rows.
drop index concurrently if exists flow.work_item_oldest;
create index concurrently work_item_oldest on flow.work_item (sync, received_at)
    where coalesce(state, '') in ('ready', 'leased', 'hold', 'waiting');

-- The newest first, and by what people ask for.
drop index concurrently if exists flow.work_item_stuck_at;
create index concurrently work_item_stuck_at on flow.work_item
    ((coalesce(failed_last_at, changed_at)), sync, entity, record) where state in ('dead', 'parked');
drop index concurrently if exists flow.work_item_stuck_of_sync;
create index concurrently work_item_stuck_of_sync on flow.work_item (sync, entity, record) where state in ('dead', 'parked');
drop index concurrently if exists flow.work_item_stuck_by_code;
create index concurrently work_item_stuck_by_code on flow.work_item (code, sync, entity, record) where state in ('dead', 'parked');
drop index concurrently if exists flow.work_item_stuck_by_code_at;
create index concurrently work_item_stuck_by_code_at on flow.work_item
    (code, (coalesce(failed_last_at, changed_at)), sync, entity, record) where state in ('dead', 'parked');
drop index concurrently if exists flow.work_item_stuck;

-- A key may be longer than an index takes.
drop index concurrently if exists flow.dead_letter_open_of_key;
create index concurrently dead_letter_open_of_key on flow.dead_letter (substring(record_key for 200)) where state = 'open';
drop index concurrently if exists flow.dead_letter_open_by_code;
create index concurrently dead_letter_open_by_code on flow.dead_letter (err_code, err_last_at, id) where state = 'open';
drop index concurrently if exists flow.dead_letter_open_at;
create index concurrently dead_letter_open_at on flow.dead_letter (err_last_at, id) where state = 'open';

-- What is owed, by sync: what a sync without a target is owed must not be passed over again and again.
drop index concurrently if exists flow.wanted_owed;
create index concurrently wanted_owed on flow.wanted (sync, changed_at) where revision > published_revision;
drop index concurrently if exists flow.wanted_unpublished;

-- People look for a record by its id at the target, or by the hash that Mailchimp's addresses carry.
drop index concurrently if exists flow.record_link_of_target_id;
create index concurrently record_link_of_target_id on flow.record_link (target_id) where target_id <> '';
drop index concurrently if exists flow.record_link_of_hash;
create index concurrently record_link_of_hash on flow.record_link (md5(target_key));
drop index concurrently if exists flow.record_link_of_key;
create index concurrently record_link_of_key on flow.record_link (target_key);

-- A few pages for millions of rows, so it is made in a second or two on the whole journal: what happened on some days, for histories.
create index if not exists journal_at on flow.journal using brin (at);

drop index concurrently if exists flow.write_intent_closed;
create index concurrently write_intent_closed on flow.write_intent (closed_at) where state <> 'sent';
