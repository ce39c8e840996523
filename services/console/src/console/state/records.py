"""Source records as people look for them, and what the journal tells of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from common.state import pool as state


class RecordKey(NamedTuple):
    """One record of one source."""

    connection: str
    entity: str
    record: str


@dataclass(frozen=True, slots=True)
class Counterpart:
    """The record's other half at a target, and how its work stands."""

    sync: str
    sync_name: str
    leg: str
    target: str
    place: str
    wish: str
    skip: str
    revision: int
    mapping_version: int
    work: str
    outcome: str
    reason: str
    target_key: str
    target_id: str
    link: str
    since: datetime | None
    standing: str


@dataclass(frozen=True, slots=True)
class Found:
    """A record with its counterparts."""

    key: RecordKey
    connection_name: str
    fields: Mapping[str, Any]
    deleted: bool
    changed_at: datetime
    counterparts: tuple[Counterpart, ...]


async def find(tx: state.DbConnection, text: str, limit: int) -> Sequence[RecordKey]:
    """The records that an address, a source's id, a target's key or id, or a trace id leads to."""
    rows = await tx.fetch(_FIND, text, text.lower(), limit)
    return [RecordKey(row["connection"], row["entity"], row["record"]) for row in rows]


async def read(tx: state.DbConnection, keys: Sequence[RecordKey]) -> Sequence[Found]:
    """What is known of them."""
    columns = [[key[at] for key in keys] for at in range(3)]
    rows = await tx.fetch(_READ, *columns)
    halves: dict[RecordKey, list[Counterpart]] = {}
    for row in await tx.fetch(_COUNTERPARTS, *columns):
        given = {name: row[name] for name in Counterpart.__slots__}
        halves.setdefault(_key(row), []).append(Counterpart(**given))
    return [
        Found(
            _key(row), row["name"], row["fields"], row["deleted"], row["changed_at"], tuple(halves.get(_key(row), ()))
        )
        for row in rows
    ]


async def timeline(
    tx: state.DbConnection, key: RecordKey, before: int | None, limit: int
) -> Sequence[Mapping[str, Any]]:
    """The journal's rows of one record and of its target's own events, newest first."""
    rows = await tx.fetch(_TIMELINE, *key, before, limit)
    return [dict(row) for row in rows]


def _key(row: Mapping[str, Any]) -> RecordKey:
    return RecordKey(row["connection"], row["entity"], row["record"])


# Which kinds of records there are of which connections is a loose scan: one step for each, however many records that is, and however many
# kinds a vendor could have.
_FIND = """
with recursive kinds as (
    (select connection, entity from flow.record_state order by connection, entity limit 1)
    union all
    select n.* from kinds k cross join lateral (
        select s.connection, s.entity from flow.record_state s
         where (s.connection, s.entity) > (k.connection, k.entity) order by s.connection, s.entity limit 1) as n
), hits as (
    select s.connection, s.entity, s.record from flow.record_state s
     where lower(s.fields ->> 'email') = $2 and s.fields ? 'email'
    union
    select r.* from kinds k cross join lateral (
        select s.connection, s.entity, s.record from flow.record_state s
         where (s.connection, s.entity, s.record) = (k.connection, k.entity, $1) offset 0) as r
    union
    select c.id, p.left_entity, p.left_id from (
        select left_account, left_entity, left_id from flow.pair where right_key = $2
        union
        select left_account, left_entity, left_id from flow.pair where md5(right_key) = $2
        union
        select left_account, left_entity, left_id from flow.pair where right_id = $1 and right_id <> '') as p
      join core.connection c on c.account = p.left_account
    union
    select coalesce(g.source_connection, j.connection), coalesce(g.source_entity, j.entity), j.record from flow.journal j
      left join core.leg g on (g.sync, g.name) = (j.sync, j.entity)
     where j.trace_id = $2 and j.trace_id <> '' and j.record <> ''
    union
    select g.source_connection, g.source_entity, j.record from flow.journal j
      join core.leg g on (g.sync, g.name) = (j.sync, j.entity)
     where j.target_key = $2 and j.target_key <> '' and j.sync <> '' and j.record <> ''
)
select h.connection, h.entity, h.record from hits h
  join flow.record_state s on (s.connection, s.entity, s.record) = (h.connection, h.entity, h.record)
 where s.sequence <> '' order by s.changed_at desc limit $3
"""

_READ = """
select s.connection, s.entity, s.record, c.name, s.fields, s.deleted, s.changed_at
  from unnest($1::text[], $2::text[], $3::text[]) with ordinality as k(connection, entity, record, place)
  join flow.record_state s using (connection, entity, record)
  join core.connection c on c.id = s.connection
 order by k.place
"""

_COUNTERPARTS = """
select k.connection, k.entity, k.record, w.sync, y.name as sync_name, g.name as leg, c.name as target, g.target_place as place,
       w.wish, w.skip, w.revision,
       w.mapping_version, coalesce(i.state, '') as work, coalesce(i.outcome, '') as outcome, coalesce(i.reason, '') as reason,
       coalesce(l.right_key, '') as target_key, coalesce(l.right_id, '') as target_id, coalesce(l.state, '') as link, l.since,
       coalesce(t.seen ->> 'standing', '') as standing
  from unnest($1::text[], $2::text[], $3::text[]) as k(connection, entity, record)
  join core.leg g on (g.source_connection, g.source_entity) = (k.connection, k.entity)
  join flow.wanted w on (w.sync, w.entity, w.record) = (g.sync, g.name, k.record)
  join core.sync y on y.id = w.sync
  join core.connection c on c.id = g.target_connection
  left join flow.work_item i on (i.sync, i.entity, i.record) = (w.sync, w.entity, w.record)
  join core.connection a on a.id = k.connection
  left join lateral (
       select p.* from flow.pair p
        where (p.left_account, p.left_entity, p.left_id, p.right_account, p.right_place)
              = (a.account, k.entity, k.record, c.account, g.target_place)
        order by p.right_key = i.target_key desc nulls last, p.id desc limit 1) as l on true
  left join flow.target_record t on (t.account, t.place, t.target_entity, t.key)
                                  = (l.right_account, l.right_place, l.right_entity, l.right_key)
 order by y.name, g.position, g.name
"""

# In a row that names a sync the entity is the sync's leg; in the source's own rows it is the source's.
# The target's own events are about its record, not ours: they are joined by the key that ours has there.
_TIMELINE = """
select * from (
    select j.* from flow.journal j
     where j.connection = $1 and j.record = $3 and ($4::bigint is null or j.id < $4)
       and j.entity = any(array(select $2 union select name from core.leg where (source_connection, source_entity) = ($1, $2)))
       and case when j.sync = '' then j.entity = $2
                else exists (select from core.leg g where (g.sync, g.name, g.source_entity) = (j.sync, j.entity, $2)) end
    union all
    select j.* from flow.journal j
     where j.step = 'consent' and j.target_key <> '' and ($4::bigint is null or j.id < $4) and (j.connection, j.target_key) in (
           select c.id, p.right_key from core.connection a
             join flow.pair p on (p.left_account, p.left_entity, p.left_id) = (a.account, $2, $3)
             join core.connection c on c.account = p.right_account
            where a.id = $1)
) as rows order by id desc limit $5
"""
