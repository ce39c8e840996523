-- outside a transaction
-- An end of a pair is found by its id or its key, within its account or anywhere, by one index each: the id or the key comes first in it.
drop index concurrently if exists flow.pair_left_end;
create index concurrently pair_left_end on flow.pair (left_id, left_account, left_entity);
drop index concurrently if exists flow.pair_left_key_end;
create index concurrently pair_left_key_end on flow.pair (left_key, left_account, left_place, left_entity) where left_key <> '';
drop index concurrently if exists flow.pair_right_end;
create index concurrently pair_right_end on flow.pair (right_id, right_account, right_entity) where right_id <> '';
drop index concurrently if exists flow.pair_right_key_end;
create index concurrently pair_right_key_end on flow.pair (right_key, right_account, right_place, right_entity);
drop index concurrently if exists flow.pair_of_left_id;
drop index concurrently if exists flow.pair_of_left_key;
drop index concurrently if exists flow.pair_of_right_id;
drop index concurrently if exists flow.pair_by_right_id;
drop index concurrently if exists flow.pair_of_right_key;
drop index concurrently if exists flow.pair_by_right_key;
-- Lists go through the pairs of an account, or through those few that are not linked, in the order in which they were made.
drop index concurrently if exists flow.pair_of_left_account;
create index concurrently pair_of_left_account on flow.pair (left_account, id);
drop index concurrently if exists flow.pair_of_right_account;
create index concurrently pair_of_right_account on flow.pair (right_account, id);
drop index concurrently if exists flow.pair_not_linked;
create index concurrently pair_not_linked on flow.pair (state, id) where state <> 'linked';
-- Whose name an account is shown by.
drop index concurrently if exists core.connection_of_account;
create index concurrently connection_of_account on core.connection (account);
