"""Late looks that are owed (R4): one per target record, hours after the last outcome that nobody saw.

A row stays until the look was made and what it found was handed over. Whoever looks has the row for a while; if they die, it is due again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from common.contracts.ids import ConnectionId
from common.state.pool import DbConnection
from writing.items import ItemKey, TargetKey, columns, key_of, target_of

AFTER = timedelta(hours=4)
# Longer than a look can take.
TAKEN_FOR = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Owed:
    """One late look; `key` is the record whose write left it."""

    target: TargetKey
    key: ItemKey
    looks: int
    """Those that failed in a row."""


async def owe(tx: DbConnection, keys: Iterable[ItemKey], now: datetime) -> None:
    """For every intent of these records that is in flight."""
    listed = sorted(set(keys))
    if listed:
        await tx.execute(_OWE, *columns(listed), now + AFTER)


async def take(tx: DbConnection, connection: ConnectionId, now: datetime, most: int) -> list[Owed]:
    """Those that are due, for a while; nobody works on their records or on the target records themselves."""
    rows = await tx.fetch(_TAKE, connection, now, now + TAKEN_FOR, most)
    return [_owed(row) for row in rows]


async def put_off(tx: DbConnection, target: TargetKey, looks: int, until: datetime) -> None:
    """It is due again then."""
    await tx.execute(
        """
        update flow.audit set looks = $5, due_at = $6
         where (account, place, target_entity, key) = ($1, $2, $3, $4)
        """,
        *target,
        looks,
        until,
    )


async def done(tx: DbConnection, target: TargetKey) -> None:
    """What it found was handed over."""
    await tx.execute("delete from flow.audit where (account, place, target_entity, key) = ($1, $2, $3, $4)", *target)


def _owed(row: Any) -> Owed:
    return Owed(target_of(row), key_of(row), row["looks"])


_OWE = """
insert into flow.audit as a (account, place, target_entity, key, sync, entity, record, connection, due_at)
select distinct on (i.account, i.place, i.target_entity, i.target_key)
       i.account, i.place, i.target_entity, i.target_key, i.sync, i.entity, i.record, i.connection, $4
  from flow.write_intent i
  join unnest($1::text[], $2::text[], $3::text[]) as k(sync, entity, record) using (sync, entity, record)
 where i.state = 'sent'
 order by i.account, i.place, i.target_entity, i.target_key, i.sent_at desc
on conflict (account, place, target_entity, key) do update
   set sync = excluded.sync, entity = excluded.entity, record = excluded.record, connection = excluded.connection,
       due_at = greatest(a.due_at, excluded.due_at), looks = 0
"""

_TAKE = """
with due as (
    select a.account, a.place, a.target_entity, a.key from flow.audit a
     where a.connection = $1 and a.due_at <= $2
       and not exists (select from core.gate g where g.connection = a.connection and g.place in ('', a.place) and (g.until is null or g.until > $2))
       and not exists (select from flow.target_lease l
                        where (l.account, l.place, l.target_entity, l.key) = (a.account, a.place, a.target_entity, a.key))
       and not exists (select from flow.work_item w
                        where (w.sync, w.entity, w.record) = (a.sync, a.entity, a.record) and w.state in ('leased', 'hold'))
     order by a.due_at limit $4 for update of a skip locked
)
update flow.audit a set due_at = $3
  from due where (a.account, a.place, a.target_entity, a.key) = (due.account, due.place, due.target_entity, due.key)
returning a.*
"""
