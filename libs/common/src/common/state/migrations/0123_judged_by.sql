-- By which release, and which version of the mapping, a wish was last found to be what the record's state comes to: what told nothing new
-- is not judged again by the same. Empty: nobody knows, so it is.
alter table flow.wanted add column judged_by text not null default '';
-- By which release a work item came to its end: a command that is read again is judged by that end, unless it was another's.
alter table flow.work_item add column ended_by text not null default '';
