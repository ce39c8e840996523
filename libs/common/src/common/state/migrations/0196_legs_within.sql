-- A leg may lead from records of a sync's source to others of the same connection: what is known of a customer goes into the customer's notes.
alter table core.leg drop constraint leg_direction_check;
alter table core.leg add constraint leg_direction_check check (direction in ('forward', 'back', 'within'));
