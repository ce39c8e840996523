"""Which record of the source is which record of the target, by which rule, since when: pairs, which people can see.

A pair is `reserved` before the first call for its key and `linked` once the vendor has it. It belongs to the two records and not to the
sync that made it, so it survives a disconnect, a switched-off sync and a connection that was made anew: a full re-sync then creates nothing.
R22: it outlives its records too. Where one of them is gone it says which (`ended_left`, `ended_right`), and is never deleted.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from common.state.pool import DbConnection
from vendors.target import Target
from writing.items import Item, ItemKey, columns


class Reserving(NamedTuple):
    """A record that is about to be written under its key, and the keys that it leaves for it."""

    item: Item
    rule: str
    former: Sequence[str] = ()


def rule_of(target: Target, item: Item) -> str:
    """By which a record and its counterpart are found to be one: what the target's own identity says."""
    identity = target.identify(item.document)
    return identity.field if identity is not None else ""


async def reserve(tx: DbConnection, rows: Sequence[Reserving], now: datetime) -> None:
    """Before the first call for a key: whoever comes later knows that it may exist. A pair goes along to the record's new key."""
    if not rows:
        return
    items = [row.item for row in rows]
    ends = [*_ends(items), [item.target_key for item in items]]
    leaving = [(row, key) for row in rows for key in row.former if key != row.item.target_key]
    if leaving:
        moved = [row.item for row, _ in leaving]
        await tx.execute(
            _MOVE, *_ends(moved), [item.target_key for item in moved], [key for _, key in leaving],
            [item.key.sync for item in moved], [row.rule for row, _ in leaving], now,
        )  # fmt: skip
    await tx.execute(_RESERVE, *ends, [row.rule for row in rows], now)


async def adopt(tx: DbConnection, rows: Sequence[tuple[Item, str]], now: datetime) -> None:
    """What was at the target already, and is as wished, needed no call: it is a pair all the same, by its rule."""
    if rows:
        items = [item for item, _ in rows]
        await tx.execute(_ADOPT, *_ends(items), [item.target_key for item in items], [rule for _, rule in rows], now)


async def link(tx: DbConnection, ids: Sequence[tuple[Item, str]], now: datetime) -> list[ItemKey]:
    """The vendor has them; returns those whose pairs are new."""
    if not ids:
        return []
    items = [item for item, _ in ids]
    rows = await tx.fetch(
        _LINK, *_ends(items), [item.target_key for item in items], [id for _, id in ids], list(range(len(items))), now
    )
    return [items[row["at"]].key for row in rows]


async def end(tx: DbConnection, items: Sequence[Item], now: datetime) -> None:
    """R22: the record has left the target, and its pair says so; not where another sync still keeps the same record there."""
    if items:
        await tx.execute(_END_LEFT, *_ends(items), [item.key.sync for item in items], now)


async def left(tx: DbConnection, keys: Sequence[tuple[Item, str]], now: datetime) -> None:
    """R22: these records have left these keys of theirs; a pair that went along to another key is not under them any more."""
    if keys:
        items = [item for item, _ in keys]
        await tx.execute(_END_FORMER, *_ends(items), [i.key.sync for i in items], now, [key for _, key in keys])


async def lost(tx: DbConnection, items: Sequence[Item], now: datetime) -> None:
    """R22: what was linked is not at the target any more."""
    if items:
        await tx.execute(_END_RIGHT, *_ends(items), [item.target_key for item in items], now)


async def free(tx: DbConnection, items: Sequence[Item], why: str, now: datetime) -> None:
    """What was reserved for them is nobody's (`why`: refused, given_up): a person may link the record by hand, and its next create reserves
    anew. Where nobody knows whether the last one is there, that looks first.

    A pair that went along from another key stays: what is there under that key has not been left.
    """
    if items:
        await tx.execute(_FREE, *_ends(items), [i.key.sync for i in items], [i.target_key for i in items], now, why)


def _ends(items: Sequence[Item]) -> list[list[str]]:
    """The record and where it is written to, as the parallel arrays that `unnest` takes."""
    return columns(
        [(i.source_account, i.source_entity, i.key.record, i.account, i.place, i.target_entity) for i in items], 6
    )


def _told(what: str, at: str) -> str:
    return f"jsonb_build_array(jsonb_build_object('at', {at}::timestamptz, 'what', {what}))"


_HERE = "n(source, entity, record, account, place, target_entity"
_UNNEST = "unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]"
_SAME = """(p.left_account, p.left_entity, p.left_id, p.right_account, p.right_place, p.right_entity)
         = (n.source, n.entity, n.record, n.account, n.place, n.target_entity)"""
# Another sync keeps the same record under that key.
_KEPT = """exists (select from flow.target_owner o join core.leg l on (l.sync, l.name) = (o.sync, o.entity)
                   where (o.account, o.place, o.target_entity, o.key) = (p.right_account, p.right_place, p.right_entity, p.right_key)
                     and (o.source_account, l.source_entity, o.record) = (p.left_account, p.left_entity, p.left_id)
                     and o.standing = 'live' and o.sync <> n.sync)"""

# Of several that a record leaves at once, the one goes along that has been there; the others end with the record's last act.
_MOVE = f"""
with leaving as (
    select distinct on (p.id) p.*, n.key, n.rule as by
      from {_UNNEST}, $7::text[], $8::text[], $9::text[], $10::text[]) as {_HERE}, key, former, sync, rule)
      join flow.pair p on {_SAME} and p.right_key = n.former and p.state in ('reserved', 'linked') and not {_KEPT}
     order by p.id
), going as (
    select distinct on (left_account, left_entity, left_id, left_place, right_account, right_place, right_entity, key) *
      from leaving
     order by left_account, left_entity, left_id, left_place, right_account, right_place, right_entity, key, state = 'linked' desc, since desc
)
update flow.pair p
   set right_key = g.key, right_id = '', state = 'reserved', rule = g.by, since = $11, changed_at = $11,
       history = p.history || jsonb_build_array(jsonb_build_object('at', $11::timestamptz, 'what', 'moved', 'from', p.right_key))
  from going g
 where p.id = g.id
   and not exists (select from flow.pair q
                    where (q.left_account, q.left_entity, q.left_id, q.left_place, q.right_account, q.right_place, q.right_entity, q.right_key)
                        = (p.left_account, p.left_entity, p.left_id, p.left_place, p.right_account, p.right_place, p.right_entity, g.key))
"""  # noqa: S608 - constants of this module

_INSERT = f"""
insert into flow.pair as p (left_account, left_entity, left_id, right_account, right_place, right_entity, right_key, state, rule, since,
                            history, changed_at)
select distinct n.source, n.entity, n.record, n.account, n.place, n.target_entity, n.key, 'reserved', n.rule, $9::timestamptz,
       {_told("'reserved'", "$9")}, $9::timestamptz
  from {_UNNEST}, $7::text[], $8::text[]) as {_HERE}, key, rule)
on conflict (left_account, left_entity, left_id, left_place, right_account, right_place, right_entity, right_key)
      where left_id <> '' and right_key <> '' do"""  # noqa: S608 - constants of this module
_ADOPT = f"{_INSERT} nothing"
_RESERVE = f"""{_INSERT} update
   set state = 'reserved', rule = excluded.rule, since = excluded.since, changed_at = excluded.changed_at,
       history = p.history || excluded.history
 where p.state not in ('reserved', 'linked')
"""  # noqa: S608 - constants of this module

_LINK = f"""
update flow.pair p set state = 'linked', right_id = n.id, changed_at = $10, history = p.history || {_told("'linked'", "$10")}
  from {_UNNEST}, $7::text[], $8::text[], $9::int[]) as {_HERE}, key, id, at)
 where {_SAME} and p.right_key = n.key and p.state <> 'linked'
returning n.at
"""  # noqa: S608 - constants of this module

_END_LEFT = f"""
update flow.pair p set state = 'ended_left', changed_at = $8, history = p.history || {_told("'ended_left'", "$8")}
  from {_UNNEST}, $7::text[]) as {_HERE}, sync)
 where {_SAME} and p.state in ('reserved', 'linked') and not {_KEPT}
"""  # noqa: S608 - constants of this module

_END_FORMER = f"""
update flow.pair p set state = 'ended_left', changed_at = $8, history = p.history || {_told("'ended_left'", "$8")}
  from {_UNNEST}, $7::text[], $9::text[]) as {_HERE}, sync, former)
 where {_SAME} and p.right_key = n.former and p.state in ('reserved', 'linked') and not {_KEPT}
"""  # noqa: S608 - constants of this module

_END_RIGHT = f"""
update flow.pair p set state = 'ended_right', changed_at = $8, history = p.history || {_told("'ended_right'", "$8")}
  from {_UNNEST}, $7::text[]) as {_HERE}, key)
 where {_SAME} and p.right_key = n.key and p.state in ('reserved', 'linked')
"""  # noqa: S608 - constants of this module

_FREE = f"""
update flow.pair p set state = 'unlinked', changed_at = $9, history = p.history || {_told("$10::text", "$9")}
  from {_UNNEST}, $7::text[], $8::text[]) as {_HERE}, sync, key)
 where {_SAME} and p.right_key = n.key and p.state = 'reserved' and p.history -> -1 ->> 'what' = 'reserved' and not {_KEPT}
"""  # noqa: S608 - constants of this module
