-- outside a transaction
-- Records whose text was left alone are told of once a sync, and there are few of them among all.
drop index concurrently if exists flow.work_item_hands_off;
create index concurrently work_item_hands_off on flow.work_item (sync) where reason = 'hands_off';
