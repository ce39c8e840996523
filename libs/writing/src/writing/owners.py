"""Which records live under which target key, and who of them may write it (R13, R14).

An ownership row is committed before the first call for its key, so that whoever plans later knows every key that has to be left. It is
never deleted: the result transaction of the record's last act marks it as left, and from then on it is the record's past.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from common.state.pool import DbConnection
from writing.items import Item, ItemKey, TargetKey, columns, key_of, target_of


class OwnedKeys(NamedTuple):
    """The keys of one record that it has not left: all of them, and the one it came to last."""

    keys: frozenset[str] = frozenset()
    last: str = ""


class Owner(NamedTuple):
    """Who lives under a key."""

    key: ItemKey
    rank: int
    able: bool
    """It could write now."""
    gone: bool
    """It is wished away, and only its target record stays."""
    judged_rank: int
    """By which it was last judged to its end."""

    @property
    def place(self) -> tuple[int, ItemKey]:
        """Who is first here writes."""
        return (self.rank, self.key)


@dataclass(frozen=True, slots=True)
class Ownership:
    """The keys of one record: `wanted` is where it lives now, `former` what it has still to leave, `last` where it lived before."""

    wanted: str = ""
    former: tuple[str, ...] = ()
    last: str = ""
    is_writer: bool = True
    alone: frozenset[str] = field(default_factory=frozenset)
    """Keys under which nobody else lives."""
    unwanted: frozenset[str] = field(default_factory=frozenset)
    """Keys where nobody else wants the target record, though somebody's may stay there."""
    is_ranked_anew: bool = False
    """Its rank is another one than when it was last judged to its end: until that is stored, it is found to be so again."""
    stays: bool = False
    """Wished away, and its target record is marked or left as it is: it lives under its last key until it really leaves."""


async def held(tx: DbConnection, items: Sequence[Item]) -> dict[ItemKey, OwnedKeys]:
    """Every key each record has had and not yet left."""
    rows = await tx.fetch(
        """
        select o.sync, o.entity, o.record, o.key from flow.target_owner o
          join unnest($1::text[], $2::text[], $3::text[]) as k(sync, entity, record) using (sync, entity, record)
         where o.standing <> 'left' order by o.since
        """,
        *columns([item.key for item in items]),
    )
    found: dict[ItemKey, OwnedKeys] = {item.key: OwnedKeys() for item in items}
    for row in rows:
        found[key_of(row)] = OwnedKeys(found[key_of(row)].keys | {row["key"]}, row["key"])
    return found


async def plan(
    tx: DbConnection, items: Sequence[Item], keys: Mapping[ItemKey, OwnedKeys], stay: Set[ItemKey], now: datetime
) -> dict[ItemKey, Ownership]:
    """R14: what each record owns from now on, stored before any call. The leases of all these keys are held.

    `stay` are the records that are wished away and let go of none of their keys.
    """
    lives = {item.key: item.target_key or (keys[item.key].last if item.key in stay else "") for item in items}
    await _store(tx, items, lives, now)
    living = await _living(tx, items, keys)
    return {
        item.key: replace(_ownership(item, keys[item.key], lives[item.key], living), stays=item.key in stay)
        for item in items
    }


async def _store(tx: DbConnection, items: Sequence[Item], lives: Mapping[ItemKey, str], now: datetime) -> None:
    await tx.execute(
        """
        update flow.target_owner o set standing = 'leaving'
          from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as n(sync, entity, record, wanted)
         where (o.sync, o.entity, o.record) = (n.sync, n.entity, n.record) and o.key <> n.wanted
           and o.standing in ('live', 'ended')
        """,
        *columns([item.key for item in items]),
        [lives[item.key] for item in items],
    )
    living = [item for item in items if lives[item.key]]
    if living:
        await tx.execute(
            """
            insert into flow.target_owner as o (sync, entity, record, account, place, target_entity, key, source_account, rank, standing, since)
            select n.*, 'live', $10
              from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::smallint[]) as n
            on conflict (account, place, target_entity, key, sync, entity, record) do update
               set standing = 'live', since = excluded.since, source_account = excluded.source_account, rank = excluded.rank
             where o.standing <> 'live'
            """,
            *columns([item.key for item in living]),
            *columns([item.target(lives[item.key]) for item in living], 4),
            [item.source_account for item in living],
            [item.rank for item in living],
            now,
        )


Living = Mapping[TargetKey, list[Owner]]


async def _living(tx: DbConnection, items: Sequence[Item], keys: Mapping[ItemKey, OwnedKeys]) -> Living:
    """Who lives under each of these keys, and whether it could write now."""
    wanted = {item.target(key) for item in items for key in {item.target_key, *keys[item.key].keys} if key}
    return await _living_at(tx, wanted)


async def _living_at(tx: DbConnection, keys: Set[TargetKey]) -> Living:
    living: dict[TargetKey, list[Owner]] = {key: [] for key in keys}
    for row in await tx.fetch(_LIVING, *columns(sorted(keys), 4)):
        living[target_of(row)].append(Owner(key_of(row), row["rank"], row["able"], row["gone"], row["judged_rank"]))
    return living


async def leaders(tx: DbConnection, keys: Set[TargetKey]) -> dict[TargetKey, ItemKey]:
    """R13: who writes each of these, or would if anybody could."""
    living = await _living_at(tx, keys) if keys else {}
    return {key: min(its, key=lambda own: (not own.able, own.place)).key for key, its in living.items() if its}


# R13: who is wished away, dead, parked, skipped for a reason of its own, switched off or waiting for a person cannot write.
# With `offset 0` each key is looked up: a plan that was made while hardly anybody lived anywhere would compare each key with everybody.
_LIVING = """
select k.account, k.place, k.target_entity, k.key, o.sync, o.entity, o.record, coalesce(w.wish = 'absent', false) as gone,
       coalesce(w.rank, 0) as rank, o.judged_rank,
       coalesce(w.wish = 'present' and w.state not in ('dead', 'parked', 'awaiting')
                and not (w.state = 'done' and w.outcome = 'skipped' and w.reason <> 'shares_target')
                and s.state = 'active' and c.state = 'active'
                and not exists (select from core.gate g where g.connection = w.connection and g.place in ('', w.place)
                                                          and g.reason in ('needs_reauth', 'refused', 'paused')), false) as able
  from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as k(account, place, target_entity, key)
  cross join lateral (
       select l.sync, l.entity, l.record, l.rank as judged_rank from flow.target_owner l
        where (l.account, l.place, l.target_entity, l.key) = (k.account, k.place, k.target_entity, k.key) and l.standing = 'live'
       offset 0) as o
  left join lateral (
       select i.* from flow.work_item i where (i.sync, i.entity, i.record) = (o.sync, o.entity, o.record) offset 0) as w on true
  left join core.sync s on s.id = o.sync
  left join core.connection c on c.id = w.connection
 order by o.sync, o.entity, o.record
"""


def _ownership(item: Item, held: OwnedKeys, lives: str, living: Living) -> Ownership:
    def others(key: str) -> list[Owner]:
        return [owner for owner in living.get(item.target(key), []) if owner.key != item.key]

    keys = {key for key in {item.target_key, *held.keys} if key}
    own = next((owner for owner in living.get(item.target(item.target_key), []) if owner.key == item.key), None)
    return Ownership(
        item.target_key,
        tuple(sorted(held.keys - {lives})),
        held.last,
        # R13: the first live owner that is able to write writes; I am, because I was just taken.
        is_writer=all(not owner.able or owner.place > (item.rank, item.key) for owner in others(item.target_key)),
        is_ranked_anew=own is not None and own.judged_rank != item.rank,
        alone=frozenset(key for key in keys if not others(key)),
        unwanted=frozenset(key for key in keys if all(owner.gone for owner in others(key))),
    )


async def judged(tx: DbConnection, items: Sequence[Item]) -> None:
    """These were judged to their end by the rank that they have, and whoever it concerns is told in the same transaction."""
    if items:
        await tx.execute(
            """
            update flow.target_owner o set rank = n.rank
              from unnest($1::text[], $2::text[], $3::text[], $4::smallint[]) as n(sync, entity, record, rank)
             where (o.sync, o.entity, o.record) = (n.sync, n.entity, n.record) and o.rank <> n.rank
            """,
            *columns([item.key for item in items]),
            [item.rank for item in items],
        )


async def of(tx: DbConnection, target: TargetKey) -> list[ItemKey]:
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
