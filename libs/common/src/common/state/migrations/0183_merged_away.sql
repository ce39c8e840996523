-- A record whose counterpart is gone, and one that was there before and shares what they are matched by: the one may have been merged into the
-- other, which a person has to say.
alter table flow.pair_question
    drop constraint pair_question_kind_check,
    add constraint pair_question_kind_check check (kind in ('differs', 'gone', 'match', 'unmatched', 'merge'));
create index pair_question_merge on flow.pair_question (pair) where kind = 'merge' and winner = '';
