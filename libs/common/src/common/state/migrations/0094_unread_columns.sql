-- Columns that no release has ever written or read.
alter table core.notification drop column read_by;
alter table flow.target_record drop column looked_at;

-- No longer written; the last release still does, so it stays for one more.
alter table flow.write_intent alter column body_hash set default '';
