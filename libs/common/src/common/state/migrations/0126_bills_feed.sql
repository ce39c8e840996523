-- Bills, and payments to suppliers, tell of their suppliers. What was told of them before this release:
insert into flow.feed_row (connection, entity, record, fed_entity, fed_record, fields)
select s.connection, s.entity, s.record, 'supplier', s.fields ->> 'supplier_id',
       coalesce((select jsonb_object_agg(f.key, f.value) from jsonb_each(s.fields) as f
                  where f.key = any(case s.entity when 'bill' then array['status', 'issued_on', 'currency', 'balance', 'due_on']
                                                  else array['paid_on'] end)), '{}')
  from flow.record_state s
 where s.entity in ('bill', 'supplier_payment') and not s.deleted and s.fields ->> 'supplier_id' <> ''
on conflict do nothing;
