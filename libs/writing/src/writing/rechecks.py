"""Records that have to be planned once more, because what is known of another target record concerns them.

Whoever learns that writes a row here and touches no work item: it may be leased, on hold, or locked by its own result just now, and the
word must not get lost then. The sweep opens the work items that nobody works on, and takes the rows away in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from common.contracts.ids import ConnectionId
from common.state.pool import DbConnection
from writing.items import TargetKey

MOST = 500


async def ask_living(tx: DbConnection, where: TargetKey) -> None:
    """Everybody who lives under this key."""
    await tx.execute(_LIVING, *where)


async def ask_followers(tx: DbConnection, where: TargetKey) -> None:
    """The records that were under this key once and live under another one now."""
    await tx.execute(_FOLLOWERS, *where)


async def open_due(tx: DbConnection, connections: Sequence[ConnectionId], now: datetime) -> int:
    """Opens what waits for nobody any more; dead and parked ones are planned anew anyway when a person has them tried again."""
    opened: int = await tx.fetchval(_OPEN, list(connections), now, MOST)
    return opened


_LIVING = """
insert into flow.recheck (sync, entity, record)
select o.sync, o.entity, o.record from flow.target_owner o
 where (o.account, o.place, o.target_entity, o.key) = ($1, $2, $3, $4) and o.standing = 'live'
on conflict do nothing
"""

_FOLLOWERS = """
insert into flow.recheck (sync, entity, record)
select distinct n.sync, n.entity, n.record from flow.target_owner p
  join core.leg its on (its.sync, its.name) = (p.sync, p.entity)
  join flow.target_owner n using (source_account, record)
  join core.leg mine on (mine.sync, mine.name) = (n.sync, n.entity) and mine.source_entity = its.source_entity
 where (p.account, p.place, p.target_entity, p.key) = ($1, $2, $3, $4) and p.standing <> 'live' and n.standing = 'live'
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
