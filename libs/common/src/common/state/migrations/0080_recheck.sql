-- Records whose plan somebody else's event has changed: they are planned once more as soon as nobody works on them. A row is asked for without
-- touching the work item, which whoever works on it has locked, and is taken away in the transaction that opens the work item.

create table flow.recheck (
    sync   text not null,
    entity text not null,
    record text not null,
    primary key (sync, entity, record)
);
