-- A sync has legs: each leads records of one entity, in one place of one side, to records of the other. What was a sync until now is a sync
-- with one leg, named after its source's entity: that is what stands in the keys of everything that was kept for it.

create table core.leg (
    sync              text     not null references core.sync (id),
    name              text     not null,
    -- In the order of the file.
    position          smallint not null default 1,
    direction         text     not null default 'forward' check (direction in ('forward', 'back')),
    -- The sync's sides as this leg runs between them: who reads them need not know directions.
    source_connection text     not null references core.connection (id),
    source_entity     text     not null,
    -- Empty: whatever place of the connection a record is in.
    source_place      text     not null default '',
    target_connection text     not null references core.connection (id),
    target_entity     text     not null,
    target_place      text     not null default '',
    mode              text     not null default 'state' check (mode in ('state', 'once', 'rendered')),
    -- The version of the sync that last changed this leg's mapping; 0 while there is none.
    mapping_version   integer  not null default 0,
    primary key (sync, name)
);
create index leg_by_source on core.leg (source_connection, source_entity);

-- There is one template until now, and it writes members.
insert into core.leg (sync, name, source_connection, source_entity, target_connection, target_entity, target_place, mapping_version)
select id, entity, source_connection, entity, target_connection, 'member', place, mapping_version from core.sync;

-- A version's number is the sync's, for all its legs; a leg has a row of those versions that changed its mapping.
alter table core.mapping_version add column leg text;
alter table core.mapping_version disable trigger mapping_version_is_immutable;
update core.mapping_version m set leg = s.entity from core.sync s where s.id = m.sync;
alter table core.mapping_version enable trigger mapping_version_is_immutable;
alter table core.mapping_version alter column leg set not null,
    drop constraint mapping_version_pkey, add primary key (sync, version, leg),
    add foreign key (sync, leg) references core.leg (sync, name);

-- Each leg that a version changes judges its own records again.
alter table flow.remap add column leg text;
update flow.remap r set leg = s.entity from core.sync s where s.id = r.sync;
delete from flow.remap where leg is null;
alter table flow.remap alter column leg set not null, drop constraint remap_pkey, add primary key (sync, leg, mapping_version);

alter table core.sync drop column entity, drop column place;

create constraint trigger leg_changed after insert or update or delete on core.leg
    deferrable initially deferred for each row execute function core.config_changed();
