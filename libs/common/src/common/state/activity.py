"""What targets tell of those who live there, as rows of `flow.activity`: one an event and customer, for every customer of whom it tells.

In: what whoever judges a target's events has found to be no echo of ours. Out: the newest rows of a customer, and how it stands at each target.
Durable with the caller's commit, and with it that the mapper has to judge the customer once more; an event that is told again adds nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from common.contracts.activity import ActivityKind, ActivitySource
from common.contracts.ids import ConnectionId, Entity, EventId, RecordId
from common.state.pool import DbConnection


class ToldCustomer(NamedTuple):
    """A record of a source that lives at a target."""

    connection: ConnectionId
    entity: Entity
    record: RecordId


@dataclass(frozen=True, slots=True)
class Activity:
    """One row: what happened to a member, told of one of its customers."""

    customer: ToldCustomer
    event_id: EventId
    kind: ActivityKind
    source: ActivitySource
    at: datetime
    """The vendor's stamp."""
    told_by: ConnectionId
    account: str
    place: str
    key: str
    fields: tuple[str, ...] = ()
    """Names of what was edited; never a value."""
    reason: str = ""


class TargetMember(NamedTuple):
    """A member under which a customer lives, as far as anybody has seen it."""

    account: str
    place: str
    key: str
    standing: str
    """In the vendor's word; empty where nobody knows."""
    open_rate: str | None
    click_rate: str | None


async def add(tx: DbConnection, rows: Sequence[Activity], now: datetime) -> None:
    """Stores them, and asks the mapper to judge their customers again; what is there already changes nothing. Of a customer that was merged
    into another one it is the other's.

    Whom somebody has asked us to forget has no activity from then on.
    """
    if rows:
        ordered = sorted(rows, key=lambda row: (row.customer, row.event_id))
        columns = [[_stored(row)[at] for row in ordered] for at in range(13)]
        await tx.execute(_ADD, *columns, now)


async def newest(
    tx: DbConnection, connection: ConnectionId, entity: Entity, records: Collection[RecordId], count: int
) -> dict[RecordId, list[Activity]]:
    """At most so many of each of these customers, the newest first, by time and id (R26)."""
    found: dict[RecordId, list[Activity]] = defaultdict(list)
    for row in await tx.fetch(_NEWEST, connection, entity, sorted(set(records)), count):
        found[RecordId(row["record"])].append(activity_of(row))
    return dict(found)


async def memberships(
    tx: DbConnection, connection: ConnectionId, entity: Entity, records: Collection[RecordId]
) -> dict[RecordId, list[TargetMember]]:
    """The members under which each of these customers lives now."""
    found: dict[RecordId, list[TargetMember]] = defaultdict(list)
    for row in await tx.fetch(_MEMBERSHIPS, connection, entity, sorted(set(records))):
        found[RecordId(row["record"])].append(TargetMember(*row[1:]))
    return dict(found)


async def take_due(tx: DbConnection, most: int) -> list[ToldCustomer]:
    """Customers that have something new: whoever takes them judges them in the same transaction, by rows that it reads after this."""
    return [ToldCustomer(*row) for row in await tx.fetch(_TAKE_DUE, most)]


def activity_of(row: Any) -> Activity:
    """A stored row."""
    return Activity(
        ToldCustomer(row["connection"], row["entity"], row["record"]), row["event_id"], row["kind"], row["source"], row["at"],
        row["told_by"], row["account"], row["place"], row["key"], tuple(row["fields"]), row["reason"],
    )  # fmt: skip


def _stored(row: Activity) -> tuple[Any, ...]:
    # As a text, because the driver takes a list of lists for one table.
    named = orjson.dumps(row.fields).decode()
    return (
        *row.customer, row.event_id, row.kind, row.source, row.at, named, row.reason, row.told_by, row.account, row.place, row.key,
    )  # fmt: skip


_ADD = """
with told as (
    select n.connection, n.entity, coalesce(m.into_record, n.record) as record, n.event_id, n.kind, n.source, n.at, n.fields, n.reason, n.told_by,
           n.account, n.place, n.key
      from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::text[], $9::text[],
                  $10::text[], $11::text[], $12::text[], $13::text[])
             as n(connection, entity, record, event_id, kind, source, at, fields, reason, told_by, account, place, key)
      left join flow.merged_record m on (m.connection, m.entity, m.record) = (n.connection, n.entity, n.record)
), added as (
    insert into flow.activity (connection, entity, record, event_id, kind, source, at, fields, reason, told_by, account, place, key, kept_at)
    select n.connection, n.entity, n.record, n.event_id, n.kind, n.source, n.at, n.fields::jsonb, n.reason, n.told_by, n.account, n.place, n.key, $14
      from told n
     where not exists (select from flow.record_state s
                        where (s.connection, s.entity, s.record) = (n.connection, n.entity, n.record) and s.redacted <> '')
       -- What was read of a moment and what was told of it are one: stamps are cut to their second.
       and not exists (select from flow.activity a
                        where (a.connection, a.entity, a.record) = (n.connection, n.entity, n.record)
                          and a.at between n.at - interval '1 second' and n.at + interval '1 second'
                          and (a.account, a.place, a.key) = (n.account, n.place, n.key) and a.event_id <> n.event_id
                          and (n.source = 'read' or (a.source = 'read' and a.kind in (n.kind, 'seen'))))
       -- Every read of a member shows how it stands: that is told once.
       and (n.source = 'event' or n.kind is distinct from (
           select a.kind from flow.activity a
            where (a.connection, a.entity, a.record) = (n.connection, n.entity, n.record) and a.at <= n.at
              and (a.account, a.place, a.key) = (n.account, n.place, n.key) and a.kind in ('subscribed', 'unsubscribed', 'cleaned', 'archived')
            order by a.at desc limit 1))
    on conflict (connection, entity, record, event_id) do nothing
    returning connection, entity, record
)
insert into flow.activity_due (connection, entity, record) select distinct connection, entity, record from added
"""

_NEWEST = """
select a.* from unnest($3::text[]) as k(record)
 cross join lateral (
       select * from flow.activity a where (a.connection, a.entity, a.record) = ($1, $2, k.record)
        order by a.at desc, a.event_id desc limit $4) as a
"""

# With `offset 0` each customer is looked up by its index, however many members there are.
_MEMBERSHIPS = """
select distinct k.record, o.account, o.place, o.key, coalesce(t.seen ->> 'standing', '') as standing,
       t.seen ->> 'open_rate' as open_rate, t.seen ->> 'click_rate' as click_rate
  from unnest($3::text[]) as k(record)
  join core.connection c on c.id = $1
 cross join lateral (
       select w.* from flow.target_owner w
        where (w.source_account, w.record) = (coalesce(nullif(c.account, ''), c.id), k.record)
          and w.target_entity = 'member' and w.standing = 'live' offset 0) as o
  join core.leg l on (l.sync, l.name, l.source_connection, l.source_entity) = (o.sync, o.entity, $1, $2)
  left join flow.target_record t on (t.account, t.place, t.target_entity, t.key) = (o.account, o.place, o.target_entity, o.key)
 order by 1, 2, 3, 4
"""

_TAKE_DUE = """
with taken as (
    delete from flow.activity_due where id in (select id from flow.activity_due order by id limit $1 for update skip locked)
    returning connection, entity, record
)
select distinct connection, entity, record from taken order by connection, entity, record
"""
