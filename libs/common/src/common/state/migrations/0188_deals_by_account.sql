-- outside a transaction
-- Deals are found by whom they belong to.
drop index concurrently if exists flow.record_state_deal_of_customer;
create index concurrently record_state_deal_of_customer on flow.record_state (connection, (fields ->> 'customer_id')) where entity = 'deal';
drop index concurrently if exists flow.record_state_deal_of_person;
create index concurrently record_state_deal_of_person on flow.record_state (connection, (fields ->> 'person_id')) where entity = 'deal';
