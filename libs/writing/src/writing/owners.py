"""Which records live under which target key, and who of them may write it (R13, R14).

An ownership row is committed before the first call for its key, so that whoever plans later knows every key that has to be left; it
goes away only in the result transaction of the record's last act.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from common.state.pool import Connection
from writing.items import Item, ItemKey, TargetKey, columns, key_of, target_of


class Held(NamedTuple):
    """The keys of one record that are stored: all of them, and the one it came to last."""

    keys: frozenset[str] = frozenset()
    last: str = ""


@dataclass(frozen=True, slots=True)
class Ownership:
    """The keys of one record: `wanted` is where it lives now, `former` what it has still to leave, `last` where it lived before."""

    wanted: str = ""
    former: tuple[str, ...] = ()
    last: str = ""
    speaks: bool = True
    alone: frozenset[str] = field(default_factory=frozenset)
    """Keys under which nobody else lives."""


async def held(tx: Connection, items: Sequence[Item]) -> dict[ItemKey, Held]:
    """Every key each record has had and not yet left."""
    rows = await tx.fetch(
        """
        select o.sync, o.entity, o.record, o.key from flow.target_owner o
          join unnest($1::text[], $2::text[], $3::text[]) as k(sync, entity, record) using (sync, entity, record)
         order by o.since
        """,
        *columns([item.key for item in items]),
    )
    found: dict[ItemKey, Held] = {item.key: Held() for item in items}
    for row in rows:
        found[key_of(row)] = Held(found[key_of(row)].keys | {row["key"]}, row["key"])
    return found


async def plan(
    tx: Connection, items: Sequence[Item], keys: Mapping[ItemKey, Held], now: datetime
) -> dict[ItemKey, Ownership]:
    """R14: what each record owns from now on, stored before any call. The leases of all these keys are held."""
    await _store(tx, items, now)
    living = await _living(tx, items, keys)
    return {item.key: _ownership(item, keys[item.key], living) for item in items}


async def _store(tx: Connection, items: Sequence[Item], now: datetime) -> None:
    await tx.execute(
        """
        update flow.target_owner o set standing = 'leaving'
          from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as n(sync, entity, record, wanted)
         where (o.sync, o.entity, o.record) = (n.sync, n.entity, n.record) and o.key <> n.wanted and o.standing = 'live'
        """,
        *columns([item.key for item in items]),
        [item.target_key for item in items],
    )
    living = [item for item in items if item.target_key]
    if living:
        await tx.execute(
            """
            insert into flow.target_owner as o (sync, entity, record, account, place, target_entity, key, source_account, standing, since)
            select n.*, 'live', $9
              from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[]) as n
            on conflict (account, place, target_entity, key, sync, entity, record) do update
               set standing = 'live', since = excluded.since, source_account = excluded.source_account
             where o.standing <> 'live'
            """,
            *columns([item.key for item in living]),
            *columns([item.target(item.target_key) for item in living], 4),
            [item.source_account for item in living],
            now,
        )


Living = Mapping[TargetKey, list[tuple[ItemKey, bool]]]


async def _living(tx: Connection, items: Sequence[Item], keys: Mapping[ItemKey, Held]) -> Living:
    """Who lives under each of these keys, and whether it is able to write: not dead, parked or kept as it is, its sync active."""
    wanted = {item.target(key) for item in items for key in {item.target_key, *keys[item.key].keys} if key}
    rows = await tx.fetch(
        """
        select o.account, o.place, o.target_entity, o.key, o.sync, o.entity, o.record,
               coalesce(w.state not in ('dead', 'parked') and w.wish <> 'keep', false) and coalesce(s.state = 'active', false) as able
          from flow.target_owner o
          join unnest($1::text[], $2::text[], $3::text[], $4::text[]) as k(account, place, target_entity, key)
            using (account, place, target_entity, key)
          left join flow.work_item w on (w.sync, w.entity, w.record) = (o.sync, o.entity, o.record)
          left join core.sync s on s.id = o.sync
         where o.standing = 'live' order by o.sync, o.entity, o.record
        """,
        *columns(sorted(wanted), 4),
    )
    living: dict[TargetKey, list[tuple[ItemKey, bool]]] = {key: [] for key in wanted}
    for row in rows:
        living[target_of(row)].append((key_of(row), row["able"]))
    return living


def _ownership(item: Item, held: Held, living: Living) -> Ownership:
    def others(key: str) -> list[tuple[ItemKey, bool]]:
        found = living.get(item.target(key), [])
        return [owner for owner in found if owner[0] != item.key]

    # R13: the smallest live owner that is able to write writes; I am, because I was just taken.
    speaks = all(not able or owner > item.key for owner, able in others(item.target_key))
    former = tuple(sorted(held.keys - {item.target_key}))
    alone = frozenset(key for key in {item.target_key, *held.keys} if key and not others(key))
    return Ownership(item.target_key, former, held.last, speaks, alone)


async def leave(tx: Connection, items: Sequence[Item]) -> None:
    """R14: the rows of left keys go with the record's last act."""
    await tx.execute(
        """
        delete from flow.target_owner o using unnest($1::text[], $2::text[], $3::text[]) as n(sync, entity, record)
         where (o.sync, o.entity, o.record) = (n.sync, n.entity, n.record) and o.standing = 'leaving'
        """,
        *columns([item.key for item in items]),
    )


async def survivors(tx: Connection, leavers: Mapping[ItemKey, Sequence[TargetKey]]) -> list[ItemKey]:
    """R13: the others who live under the keys that these records leave, or cannot write: one of them writes from now on."""
    wanted = {target for targets in leavers.values() for target in targets}
    if not wanted:
        return []
    rows = await tx.fetch(
        """
        select distinct o.sync, o.entity, o.record from flow.target_owner o
          join unnest($1::text[], $2::text[], $3::text[], $4::text[]) as k(account, place, target_entity, key)
            using (account, place, target_entity, key)
         where o.standing = 'live'
        """,
        *columns(sorted(wanted), 4),
    )
    return [key for row in rows if (key := key_of(row)) not in leavers]


async def of(tx: Connection, target: TargetKey) -> list[ItemKey]:
    """Who lives under a key, or has still to leave it."""
    rows = await tx.fetch(
        """
        select sync, entity, record from flow.target_owner
         where (account, place, target_entity, key) = ($1, $2, $3, $4) and standing in ('live', 'leaving')
         order by sync, entity, record
        """,
        *target,
    )
    return [key_of(row) for row in rows]


async def leave_again(tx: Connection, target: TargetKey, key: ItemKey, now: datetime) -> bool:
    """R4: a write of this record has landed after it had left; False where the record is written somewhere else by now."""
    left: bool | None = await tx.fetchval(
        """
        insert into flow.target_owner (account, place, target_entity, key, source_account, sync, entity, record, standing, since)
        select $1, $2, $3, $4, coalesce(s.account, w.source), w.sync, w.entity, w.record, 'leaving', $8
          from flow.work_item w
          join core.connection t on t.id = w.connection and t.account = $1
          left join core.connection s on s.id = w.source
         where (w.sync, w.entity, w.record) = ($5, $6, $7) and (w.place, w.target_entity) = ($2, $3)
        on conflict (account, place, target_entity, key, sync, entity, record) do update
           set standing = 'leaving', since = excluded.since
        returning true
        """,
        *target,
        *key,
        now,
    )
    return bool(left)
