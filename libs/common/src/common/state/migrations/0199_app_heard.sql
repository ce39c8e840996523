-- When a webhook of an application last told of a connection's account: whoever enters the address at the vendor waits for that.
create table flow.app_heard (
    connection text        primary key,
    heard_at   timestamptz not null
);
