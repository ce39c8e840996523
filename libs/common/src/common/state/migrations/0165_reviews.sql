-- Questions have numbers of their own; one that asks something else than before is another question, so whoever decides it by its number decides
-- what was shown.
alter table flow.pair_question add column id bigint generated always as identity;
create unique index pair_question_by_id on flow.pair_question (id);
