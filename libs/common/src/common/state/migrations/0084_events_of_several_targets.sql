-- One event may be about records of several targets of a vendor: each of them keeps it for itself.
alter table flow.target_event drop constraint target_event_event_id_key,
    add constraint target_event_of_target unique (event_id, target_entity);
