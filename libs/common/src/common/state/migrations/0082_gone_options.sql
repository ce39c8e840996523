-- What the records of those who go are marked with is an option like any other: its target knows what it means.

alter table core.mapping_version disable trigger mapping_version_is_immutable;
update core.mapping_version
   set definition = (definition - 'gone_tag')
       || jsonb_build_object('options', coalesce(definition -> 'options', '{}') || jsonb_build_object('gone_tag', definition -> 'gone_tag'))
 where definition ? 'gone_tag';
alter table core.mapping_version enable trigger mapping_version_is_immutable;
