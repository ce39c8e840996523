-- outside a transaction
-- A record's past is found by the record, whatever the legs are called that brought it.
drop index concurrently if exists flow.target_owner_of_record_at_source;
create index concurrently target_owner_of_record_at_source on flow.target_owner (source_account, record);
drop index concurrently if exists flow.target_owner_of_source;
