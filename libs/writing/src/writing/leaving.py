"""Records leave target keys, and what they leave falls to the next of those who share it (R13, R14)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from common.contracts.outcomes import SkipReason
from common.state.pool import DbConnection
from vendors.acts import Nothing, Skip
from writing.items import Item, ItemKey, TargetKey, columns, key_of
from writing.owners import Ownership


async def leave(tx: DbConnection, items: Sequence[Item]) -> None:
    """R14: left keys are past with the record's last act."""
    await tx.execute(
        """
        update flow.target_owner o set standing = 'left'
          from unnest($1::text[], $2::text[], $3::text[]) as n(sync, entity, record)
         where (o.sync, o.entity, o.record) = (n.sync, n.entity, n.record) and o.standing = 'leaving'
        """,
        *columns([item.key for item in items]),
    )


class Yielding(NamedTuple):
    """What a record gives up: the keys it has left, and those where it stays and cannot write."""

    left: tuple[TargetKey, ...] = ()
    silent: tuple[TargetKey, ...] = ()


def given_up(item: Item, own: Ownership, step: Nothing | Skip) -> Yielding | None:
    """R13: what it has left, and where it stays and does not write, falls to the next of those who share it."""
    # One that has made room by a new rank alone is silent too: the next one may not know yet that it is first.
    by_itself = isinstance(step, Skip) and (step.reason is not SkipReason.SHARES_TARGET or own.is_ranked_anew)
    key = own.last if own.stays else item.target_key
    silent = bool(key) and (own.stays or item.wish == "keep" or by_itself)
    if not own.former and not silent:
        return None
    return Yielding(tuple(item.target(one) for one in own.former), (item.target(key),) if silent else ())


async def survivors(tx: DbConnection, leavers: Mapping[ItemKey, Yielding]) -> list[ItemKey]:
    """R13: the others who live under the keys that these records leave, or cannot write: one of them writes from now on.

    Nobody is woken who has just been skipped for a reason of its own: two of those would wake each other for ever. Who is wished away and
    stays is woken by those alone who leave, and a key is left once.
    """
    left = {target for one in leavers.values() for target in one.left}
    wanted = left | {target for one in leavers.values() for target in one.silent}
    if not wanted:
        return []
    listed = sorted(wanted)
    rows = await tx.fetch(
        """
        select distinct o.sync, o.entity, o.record from flow.target_owner o
          join unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::boolean[]) as k(account, place, target_entity, key, is_left)
            using (account, place, target_entity, key)
          join flow.work_item w on (w.sync, w.entity, w.record) = (o.sync, o.entity, o.record)
         where o.standing = 'live' and (w.wish = 'present' or (w.wish = 'absent' and k.is_left))
           and not (w.wish = 'present' and w.state = 'done' and w.outcome = 'skipped' and w.reason <> 'shares_target')
        """,
        *columns(listed, 4),
        [target in left for target in listed],
    )
    return [key for row in rows if (key := key_of(row)) not in leavers]


async def leave_again(tx: DbConnection, target: TargetKey, key: ItemKey, now: datetime) -> bool:
    """R4: a write of this record has landed after it had left; False where the record is written somewhere else by now.

    False too where its sync has ended: what it made stays.
    """
    left: bool | None = await tx.fetchval(
        """
        insert into flow.target_owner as o (account, place, target_entity, key, source_account, sync, entity, record, standing, since)
        select $1, $2, $3, $4, coalesce(s.account, w.source), w.sync, w.entity, w.record, 'leaving', $8
          from flow.work_item w
          join core.connection t on t.id = w.connection and t.account = $1
          left join core.connection s on s.id = w.source
         where (w.sync, w.entity, w.record) = ($5, $6, $7) and (w.place, w.target_entity) = ($2, $3)
        on conflict (account, place, target_entity, key, sync, entity, record) do update
           set standing = 'leaving', since = excluded.since
         where o.standing = 'left'
        returning true
        """,
        *target,
        *key,
        now,
    )
    return bool(left)
