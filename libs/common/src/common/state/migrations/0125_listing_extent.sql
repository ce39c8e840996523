-- About how many records a listing of everything has: what the vendor lets us know while it is read, and what the one before came to.
alter table flow.poll add column about bigint;
