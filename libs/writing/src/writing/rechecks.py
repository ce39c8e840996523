"""Records that have to be planned once more, because what is known of another target record concerns them.

Whoever learns that writes a row here and touches no work item: it may be leased, on hold, or locked by its own result just now, and the
word must not get lost then. The sweep opens the work items that nobody works on, and takes the rows away in the same transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from common.contracts.ids import ConnectionId, Entity, RecordId, SyncId
from common.state.pool import DbConnection
from vendors.absorbing import Concerned
from writing.items import ItemKey, TargetKey, columns

MOST = 500
NOBODY = ItemKey(SyncId(""), Entity(""), RecordId(""))


class Concern(NamedTuple):
    """Whom something concerns that was learnt of a target record: those who live under its key, or those who have left it for another."""

    where: TargetKey
    who: Concerned
    besides: ItemKey = NOBODY
    """Whose plan goes on with it anyway."""


async def ask_concerned(tx: DbConnection, concerns: Collection[Concern]) -> None:
    """They are planned once more."""
    for who, query in (("owners", _LIVING), ("followers", _FOLLOWERS)):
        its = sorted({one for one in concerns if one.who == who})
        if its:
            await tx.execute(query, *columns([(*one.where, *one.besides) for one in its], 7))


async def open_due(tx: DbConnection, connections: Sequence[ConnectionId], now: datetime) -> int:
    """Opens what waits for nobody any more; dead and parked ones are planned anew anyway when a person has them tried again."""
    opened: int = await tx.fetchval(_OPEN, list(connections), now, MOST)
    return opened


_LIVING = """
insert into flow.recheck (sync, entity, record)
select distinct o.sync, o.entity, o.record from flow.target_owner o
  join unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
       as k(account, place, target_entity, key, but_sync, but_entity, but_record) using (account, place, target_entity, key)
 where o.standing = 'live' and (o.sync, o.entity, o.record) <> (k.but_sync, k.but_entity, k.but_record) order by 1, 2, 3
on conflict do nothing
"""

_FOLLOWERS = """
insert into flow.recheck (sync, entity, record)
select distinct n.sync, n.entity, n.record from flow.target_owner p
  join unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
       as k(account, place, target_entity, key, but_sync, but_entity, but_record) using (account, place, target_entity, key)
  join core.leg its on (its.sync, its.name) = (p.sync, p.entity)
  join flow.target_owner n using (source_account, record)
  join core.leg mine on (mine.sync, mine.name) = (n.sync, n.entity) and mine.source_entity = its.source_entity
 where p.standing <> 'live' and n.standing = 'live'
   and (n.sync, n.entity, n.record) <> (k.but_sync, k.but_entity, k.but_record) order by 1, 2, 3
on conflict do nothing
"""

_OPEN = """
with due as (
    select r.sync, r.entity, r.record from flow.recheck r join flow.work_item w using (sync, entity, record)
     where w.connection = any($1::text[]) and w.state not in ('leased', 'hold') limit $3 for update of w, r skip locked
), gone as (
    delete from flow.recheck r using due where (r.sync, r.entity, r.record) = (due.sync, due.entity, due.record)
), opened as (
    update flow.work_item w
       set state = 'ready', due_at = $2, attempts = 0, call_group = '', did = '', outcome = '', reason = '', changed_at = $2
      from due where (w.sync, w.entity, w.record) = (due.sync, due.entity, due.record)
       and w.state in ('done', 'waiting', 'ready') and w.wish <> 'keep'
    returning 1
)
select count(*) from opened
"""
