-- Records of legs that lead both ways have their pair from the first time they are seen: one-ended, `alone`, until their counterpart is
-- known. Whatever was seen of them meanwhile is in it, and nothing has to be asked again when the two ends meet (R21).
alter table flow.pair drop constraint pair_check;
alter table flow.pair drop constraint pair_check1;
alter table flow.pair drop constraint pair_state_check;
alter table flow.pair
    add constraint pair_state_check check (state in ('alone', 'reserved', 'linked', 'ended_left', 'ended_right', 'unlinked')),
    add constraint pair_ends_check check (
        (exclusive and state in ('alone', 'reserved') and left_id || right_id <> '')
        or ((left_key <> '' or left_id <> '') and (right_key <> '' or right_id <> ''))),
    -- Something is known of it by which it was not judged yet: the end of a write, an answer, a wish for the other side.
    add column owed boolean not null default false;
create index pair_owed on flow.pair (id) where owed;

-- Which side of its pair a work item writes; empty where its leg has no way back.
alter table flow.work_item add column side text not null default '' check (side in ('', 'left', 'right'));
