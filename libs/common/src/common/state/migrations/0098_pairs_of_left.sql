-- outside a transaction
-- A pair is found from its left record as well, whether its right one has a key or not: every write that ends, every record that is shown and
-- whatever waits for a link asks for it. Not partial, so that a statement need not repeat a condition to be led by it.
drop index concurrently if exists flow.pair_of_left_id;
create index concurrently pair_of_left_id on flow.pair (left_account, left_entity, left_id);
