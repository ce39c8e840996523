-- Of records that share a target record the one of the lowest rank writes; among equals, as before, the smallest.
alter table flow.wanted add column rank smallint not null default 0;
alter table flow.work_item add column rank smallint not null default 0;
-- The one by which its owner was last judged to its end.
alter table flow.target_owner add column rank smallint not null default 0;
