-- By which words of a person's the next look was planned: other words plan it anew, and nobody waits out what was said before. Empty: none.
alter table flow.poll add column cadence text not null default '';
