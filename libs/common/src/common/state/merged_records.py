"""Records that were merged into others at their source, as rows of `flow.merged_record`: what was told of the one is the other's from then on.

In: that one is merged into another, as often as the source says so and in any order. Durable with the caller's commit: who is left in the end, and
the activity of the one under the other, in the same transaction, so that nothing is told of both and nothing of neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from common.contracts.ids import ConnectionId, Entity, RecordId
from common.state.pool import DbConnection


class MergedRecord(NamedTuple):
    """Of whom nothing is left but what is told of the other."""

    connection: ConnectionId
    entity: Entity
    record: RecordId
    into: RecordId


async def merge(tx: DbConnection, merged: Sequence[MergedRecord], now: datetime) -> None:
    """A merge that is told again changes nothing."""
    if not merged:
        return
    # Whoever adds activity reads this table in the same statement: those are over before, or see what is stored here.
    await tx.execute("lock table flow.merged_record in access exclusive mode")
    for one in merged:
        if await tx.fetchval(_STORE, *one, now):
            await tx.execute(_MOVE, *one[:3])


async def merged_into(tx: DbConnection, connection: ConnectionId, entity: Entity, record: RecordId) -> RecordId | None:
    """Who is left of a record that was merged away."""
    found: RecordId | None = await tx.fetchval(_INTO, connection, entity, record)
    return found


# The one that is left is the last of the chain, whichever merge was told first; two that name each other are no chain.
_STORE = """
with last as (
    select coalesce((select into_record from flow.merged_record where (connection, entity, record) = ($1, $2, $4)), $4) as record
), before as (
    update flow.merged_record m set into_record = l.record from last l
     where (m.connection, m.entity, m.into_record) = ($1, $2, $3) and l.record <> $3 and m.record <> l.record
)
insert into flow.merged_record as m (connection, entity, record, into_record, at)
select $1, $2, $3, l.record, $5 from last l where l.record <> $3
on conflict (connection, entity, record) do nothing
returning true
"""

_MOVE = """
with into_one as (
    select into_record as record from flow.merged_record where (connection, entity, record) = ($1, $2, $3)
), taken as (
    delete from flow.activity where (connection, entity, record) = ($1, $2, $3) returning *
), added as (
    insert into flow.activity (connection, entity, record, event_id, kind, source, at, fields, reason, told_by, account, place, key, kept_at)
    select t.connection, t.entity, o.record, t.event_id, t.kind, t.source, t.at, t.fields, t.reason, t.told_by, t.account, t.place, t.key, t.kept_at
      from taken t cross join into_one o
    on conflict (connection, entity, record, event_id) do nothing
    returning connection, entity, record
)
insert into flow.activity_due (connection, entity, record) select distinct connection, entity, record from added
"""

_INTO = "select into_record from flow.merged_record where (connection, entity, record) = ($1, $2, $3)"
