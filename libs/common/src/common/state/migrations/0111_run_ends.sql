-- A run is over when everything that it read was judged, whatever came of it: how far its readers have to be, by what was sent.
alter table flow.poll add column sent jsonb not null default '{}' check (jsonb_typeof(sent) = 'object');

alter table flow.run_source
    add column topic    text        not null default '',
    -- The offset behind the last change of it, by partition.
    add column sent     jsonb       not null default '{}' check (jsonb_typeof(sent) = 'object'),
    add column ended_at timestamptz;
update flow.run_source set ended_at = now() where records_read is not null;

-- Its sync was disabled before it was over.
alter table flow.run add column stopped boolean not null default false;
