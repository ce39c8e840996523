-- What a side shows of a write of ours in a form that nobody knows is asked about: each keeps its own (`keep`), or the other gets what is shown
-- there (`take`).
alter table flow.pair_question
    drop constraint pair_question_kind_check,
    drop constraint pair_question_winner_check,
    add constraint pair_question_kind_check check (kind in ('differs', 'gone', 'match', 'unmatched', 'merge', 'unexplained')),
    add constraint pair_question_winner_check check (winner in ('', 'left', 'right', 'new', 'leave', 'keep', 'take'));
