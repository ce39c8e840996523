-- What joins a source to a target, and how: syncs, and the immutable versions of their mappings.

create table core.sync (
    id                text        primary key,
    name              text        not null unique,
    template          text        not null,
    entity            text        not null,
    source_connection text        not null references core.connection (id),
    target_connection text        not null references core.connection (id),
    -- Where at the target: the audience, list or organisation.
    place             text        not null default '',
    state             text        not null default 'draft' check (state in ('draft', 'active', 'paused', 'disabled')),
    -- The active version of the mapping; 0 while there is none.
    mapping_version   integer     not null default 0,
    created_at        timestamptz not null,
    created_by        text        not null default '',
    updated_at        timestamptz not null
);

create index sync_by_source on core.sync (source_connection, entity);

create table core.mapping_version (
    sync       text        not null references core.sync (id),
    version    integer     not null check (version > 0),
    definition jsonb       not null,
    note       text        not null default '',
    created_at timestamptz not null,
    created_by text        not null default '',
    primary key (sync, version)
);

create function core.keep_mapping_versions() returns trigger language plpgsql as $$
begin
    raise exception 'a mapping version is never changed: write a new one';
end
$$;

-- History names versions, so a version says for ever what it said then.
create trigger mapping_version_is_immutable before update or delete on core.mapping_version
    for each row execute function core.keep_mapping_versions();

create constraint trigger sync_changed after insert or update or delete on core.sync
    deferrable initially deferred for each row execute function core.config_changed();
create constraint trigger mapping_version_changed after insert on core.mapping_version
    deferrable initially deferred for each row execute function core.config_changed();
