"""One lease per target key, held over all keys of a record as long as its work item is leased or on hold (R13).

Two records that share an address must not be written at the same time, and a record must not come to an address that another one is
just leaving. The rows belong to the record, not to an executor: whoever takes a record over takes its keys over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set

from common.state.pool import DbConnection
from writing.items import Item, ItemKey, TargetKey, columns, key_of, target_of


async def take(tx: DbConnection, items: Sequence[Item], keys: Mapping[ItemKey, Set[TargetKey]]) -> set[ItemKey]:
    """Takes the keys of each record, all or none; returns the records that have all of theirs."""
    wanted = [(target, item.key) for item in items for target in keys[item.key]]
    if not wanted:
        return {item.key for item in items}
    # In the order of the keys: two claims that want the same ones wait for each other once, and never crosswise.
    wanted.sort()
    targets = sorted({target for target, _ in wanted})
    await tx.execute(
        """
        insert into flow.target_lease (account, place, target_entity, key, sync, entity, record)
        select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
        on conflict (account, place, target_entity, key) do nothing
        """,
        *columns([target for target, _ in wanted], 4),
        *columns([key for _, key in wanted]),
    )
    rows = await tx.fetch(
        """
        select l.* from flow.target_lease l
          join unnest($1::text[], $2::text[], $3::text[], $4::text[]) as k(account, place, target_entity, key)
            using (account, place, target_entity, key)
        """,
        *columns(targets, 4),
    )
    held = {target_of(row): key_of(row) for row in rows}
    lacking = {key for target, key in wanted if held.get(target) != key}
    if lacking:
        await release(tx, lacking)
    return {item.key for item in items} - lacking


async def take_one(tx: DbConnection, target: TargetKey, key: ItemKey) -> bool:
    """Takes one key for a record that nobody works on; False where somebody has it."""
    taken: bool | None = await tx.fetchval(
        """
        insert into flow.target_lease (account, place, target_entity, key, sync, entity, record) values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (account, place, target_entity, key) do nothing returning true
        """,
        *target,
        *key,
    )
    return bool(taken)


async def release(tx: DbConnection, keys: Iterable[ItemKey]) -> None:
    """Gives the keys of these records back."""
    listed = sorted(set(keys))
    if not listed:
        return
    await tx.execute(
        """
        delete from flow.target_lease l using unnest($1::text[], $2::text[], $3::text[]) as n(sync, entity, record)
         where (l.sync, l.entity, l.record) = (n.sync, n.entity, n.record)
        """,
        *columns(listed),
    )
