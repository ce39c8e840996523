-- Facts know what was invoiced: what invoices and bills told before this release, once more with their totals.
update flow.feed_row f set fields = f.fields || jsonb_build_object('total', s.fields -> 'total')
  from flow.record_state s
 where (s.connection, s.entity, s.record) = (f.connection, f.entity, f.record) and f.entity in ('invoice', 'bill') and s.fields ? 'total';

-- Invoices tell of the deals that they name. A deal is there as soon as one does.
with named as (
    select s.connection, s.entity, s.record, btrim(s.fields ->> 'custom.cf_crm_deal_id') as deal, s.sequence,
           (select coalesce(jsonb_object_agg(f.key, f.value), '{}') from jsonb_each(s.fields) as f
             where f.key = any(array['status', 'issued_on', 'currency', 'total', 'balance', 'due_on'])) || '{"named_by": "custom field"}' as fields
      from flow.record_state s
     where s.entity = 'invoice' and not s.deleted and btrim(s.fields ->> 'custom.cf_crm_deal_id') ~ '^[0-9A-Za-z_-]{1,64}$'
), told as (
    insert into flow.feed_row (connection, entity, record, fed_entity, fed_record, fields)
    select connection, entity, record, 'deal', deal, fields from named
    on conflict do nothing
)
insert into flow.record_state (connection, entity, record, fields, told, sequence, first_at, changed_at)
select n.connection, 'deal', n.deal, jsonb_build_object('id', n.deal), jsonb_build_object('id', max(n.sequence)), max(n.sequence), now(), now()
  from named n group by n.connection, n.deal
on conflict do nothing;
