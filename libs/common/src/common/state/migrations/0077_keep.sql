-- A third wish: what cannot be mapped is skipped and stays at its target as it is. Only what is deleted, filtered out or without a key leaves.

alter table flow.wanted drop constraint wanted_wish_check;
alter table flow.wanted add constraint wanted_wish_check check (wish in ('present', 'absent', 'keep'));
alter table flow.work_item drop constraint work_item_wish_check;
alter table flow.work_item add constraint work_item_wish_check check (wish in ('present', 'absent', 'keep'));

-- Until now such records were wished absent. What was not taken away yet stays; the next judgement gives it a revision of its own.
update flow.wanted set wish = 'keep', document = '{}'
 where wish = 'absent' and skip in ('invalid_email', 'required_field_missing');
update flow.work_item set wish = 'keep', document = '{}'
 where wish = 'absent' and skip in ('invalid_email', 'required_field_missing') and state <> 'done';
