-- What writes have taught of a place as a whole, where the vendor's documents do not say it: learnt by trying, never guessed.
create table flow.place_lesson (
    account       text        not null,
    place         text        not null,
    target_entity text        not null,
    name          text        not null,
    holds         boolean     not null,
    learnt_at     timestamptz not null,
    primary key (account, place, target_entity, name)
);
