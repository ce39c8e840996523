-- outside a transaction
-- Before a record gets a counterpart, those that have none are looked for by what was seen of them.
drop index concurrently if exists flow.pair_alone_seen;
create index concurrently pair_alone_seen on flow.pair using gin (seen jsonb_path_ops) where exclusive and state = 'alone';
