-- What a webhook has told of the version that has to be read: the read completes it. Null: all of the record has to be read.
alter table flow.read_request add column heard jsonb;
