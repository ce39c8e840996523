"""The past of records and of keys: where each has ever been, by whichever sync and connection. It is never deleted."""

from __future__ import annotations

from collections.abc import Sequence

from common.contracts.ids import Entity
from common.state.pool import DbConnection
from writing.items import Item, ItemKey, TargetKey, columns, key_of


async def past_of(tx: DbConnection, items: Sequence[Item], vendor: str) -> dict[ItemKey, set[TargetKey]]:
    """Where each record has ever been at this vendor, by whichever sync and connection, and where else its key is known in its account."""
    found: dict[ItemKey, set[TargetKey]] = {item.key: set() for item in items}
    keys = columns([item.key for item in items])
    rows = await tx.fetch(
        _PAST, *keys, [item.source_account for item in items], [item.target_entity for item in items], vendor
    )
    targets = [item.target(item.target_key) for item in items]
    rows += await tx.fetch(_ELSEWHERE, *keys, *columns(targets, 4))
    for row in rows:
        where = TargetKey(row["account"], row["place"], Entity(row["target_entity"]), row["key"])
        found[key_of(row)].add(where)
    return found


# Legs of one entity of a source speak of the same records, whatever they are called. With `offset 0` each record is looked up: a plan
# that was made while the sync was young would read everything that it has ever written.
_PAST = """
select distinct k.sync, k.entity, k.record, o.account, o.place, o.target_entity, o.key
  from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) as k(sync, entity, record, source_account, target_entity)
  join core.leg mine on (mine.sync, mine.name) = (k.sync, k.entity)
  cross join lateral (
       select w.* from flow.target_owner w
        where (w.source_account, w.record, w.target_entity) = (k.source_account, k.record, k.target_entity) offset 0) as o
  join core.leg its on (its.sync, its.name) = (o.sync, o.entity) and its.source_entity = mine.source_entity
 where o.account in (select c.account from core.connection c where c.vendor = $6)
"""

_ELSEWHERE = """
select k.sync, k.entity, k.record, t.account, t.place, t.target_entity, t.key
  from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
       as k(sync, entity, record, account, place, target_entity, key)
  cross join lateral (
       select r.account, r.place, r.target_entity, r.key from flow.target_record r
        where (r.account, r.target_entity, r.key) = (k.account, k.target_entity, k.key) and r.place <> k.place offset 0) as t
 where k.key <> ''
"""


async def moved(tx: DbConnection, former: TargetKey, key: str) -> None:
    """The target says that a record of its has another key now: it belongs to the past of everybody who has lived under the former one."""
    await tx.execute(
        """
        insert into flow.target_owner (account, place, target_entity, key, source_account, sync, entity, record, standing, since)
        select o.account, o.place, o.target_entity, $5, o.source_account, o.sync, o.entity, o.record, 'left', o.since
          from flow.target_owner o where (o.account, o.place, o.target_entity, o.key) = ($1, $2, $3, $4)
        on conflict do nothing
        """,
        *former,
        key,
    )
