-- When a grant ends however often it is renewed, and what people were told of its end.
alter table vault.credential add column grant_ends_at timestamptz;
alter table vault.credential add column end_told text not null default '';
alter table vault.consent add column hard_lives_s double precision;
