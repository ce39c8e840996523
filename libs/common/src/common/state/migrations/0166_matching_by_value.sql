-- What tells most comes first in each index: one that began with the sync looked right for any question until there were statistics, and was read
-- whole for each value.
alter table flow.match_value
    drop constraint match_value_pkey,
    add primary key (record, sync, leg, side, rule, value, told_entity, told_record);
drop index flow.match_value_of;
create index match_value_of on flow.match_value (value, rule, sync, leg, side, record);
drop index flow.match_value_told;
create index match_value_told on flow.match_value (told_record, told_entity, sync, leg, side);
