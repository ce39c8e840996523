-- Customers of whose invoices it may have changed for which deal they are: whoever changes an invoice, a deal or a link says so here, in the same
-- transaction. Rows are only added, so that nobody waits for anybody's record; the mapper takes them away as it decides.
create table flow.deal_due (
    id         bigint generated always as identity primary key,
    -- Of the books, and then a customer; or of the other side, and then whom that side's deals belong to.
    connection text   not null,
    entity     text   not null,
    record     text   not null
);

-- What was decided of an invoice that names no deal, in words: the journal tells it once, and again when it is something else.
create table flow.deal_choice (
    connection text not null,
    record     text not null,
    said       text not null,
    primary key (connection, record)
);

-- A customer that is linked, or is so no more, by whoever it was: a judgement, the end of a write, a person.
create function flow.deals_are_due() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into flow.deal_due (connection, entity, record)
    select distinct c.id, new.left_entity, new.left_id
      from core.connection c
      join core.leg l on l.source_connection = c.id
      join core.mapping_version m on (m.sync, m.version, m.leg) = (l.sync, l.mapping_version, l.name)
     where c.account = new.left_account and new.left_id <> '' and m.definition -> 'options' ? 'open_deal';
    return null;
end
$$;
create trigger pair_linked_made after insert on flow.pair
    for each row when (new.state = 'linked' and new.exclusive and new.left_entity = 'customer') execute function flow.deals_are_due();
create trigger pair_linked_changed after update on flow.pair
    for each row when (old.state is distinct from new.state and 'linked' in (old.state, new.state) and new.exclusive and new.left_entity = 'customer')
    execute function flow.deals_are_due();
