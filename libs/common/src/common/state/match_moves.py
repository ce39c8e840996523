"""Records that belong somewhere else than before, as rows of `flow.pair` and `flow.match_value` (decision 69).

Whoever reads this holds the lock of the sync and the records' own states; nothing more is locked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from common.contracts.ids import ConnectionId, Entity, SyncId
from common.state.match_values import Side
from common.state.pairs import PairEnd
from common.state.pool import DbConnection


class LegMember(NamedTuple):
    """A record, and a leg in which it may have a counterpart."""

    sync: SyncId
    leg: Entity
    side: Side
    own: PairEnd
    there: PairEnd
    """Without an id."""


class ValuePair(NamedTuple):
    """A record of a leg, and one that has left another: whether they have values of one rule in common."""

    sync: SyncId
    leg: Entity
    side: Side
    record: str
    former: Entity
    other: str
    """Of the other side."""


class Placed(NamedTuple):
    """A record that belongs to another one, and where it is read."""

    connection: ConnectionId
    entity: Entity
    record: str
    by: str
    """Its field that says to whom it belongs."""


async def left(tx: DbConnection, asked: Sequence[LegMember]) -> dict[int, str]:
    """Of those that have a counterpart in the leg, or are just being given one, and are not in it any more: who that is; empty while nobody
    knows."""
    if not asked:
        return {}
    rows = await tx.fetch(
        _LEFT, list(range(len(asked))), *([one[at] for one in asked] for at in range(3)), *([one.own[at] for one in asked] for at in range(4)),
        *([one.there[at] for one in asked] for at in range(3)),
    )  # fmt: skip
    return {row["at"]: row["other"] for row in rows}


async def in_common(tx: DbConnection, compared: Sequence[ValuePair]) -> dict[int, dict[str, frozenset[str]]]:
    """By number and rule the values that both have; of a rule of which each has another none. Who is not in it has nothing to compare."""
    if not compared:
        return {}
    rows = await tx.fetch(_IN_COMMON, list(range(len(compared))), *([one[at] for one in compared] for at in range(6)))
    found: dict[int, dict[str, frozenset[str]]] = {}
    for row in rows:
        found.setdefault(row["at"], {})[row["rule"]] = frozenset(row["values"] or ())
    return found


async def parents(tx: DbConnection, placed: Sequence[Placed]) -> dict[int, str]:
    """To whom these belong; empty: to nobody. Of those that nobody has told of yet nothing."""
    if not placed:
        return {}
    rows = await tx.fetch(_PARENTS, list(range(len(placed))), *([one[at] for one in placed] for at in range(4)))
    return {row["at"]: row["parent"] for row in rows}


_LEFT = """
select n.at, case n.side when 'left' then p.right_id else p.left_id end as other
  from unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[])
       as n(at, sync, leg, side, account, place, entity, id, other_account, other_place, other_entity)
 cross join lateral (
    select q.* from flow.pair q
     where n.side = 'left' and (q.left_id, q.left_account, q.left_entity, q.left_place) = (n.id, n.account, n.entity, n.place)
       and (q.right_account, q.right_place, q.right_entity) = (n.other_account, n.other_place, n.other_entity)
    union all
    select q.* from flow.pair q
     where n.side = 'right' and q.right_id <> ''
       and (q.right_id, q.right_account, q.right_entity, q.right_place) = (n.id, n.account, n.entity, n.place)
       and (q.left_account, q.left_place, q.left_entity) = (n.other_account, n.other_place, n.other_entity)) as p
 where p.exclusive and p.state in ('linked', 'reserved')
   and not exists (select from flow.match_value v where (v.record, v.sync, v.leg, v.side, v.rule) = (n.id, n.sync, n.leg, n.side, ''))
"""

_IN_COMMON = """
select n.at, a.rule, array_agg(distinct a.value) filter (where a.value = b.value) as values
  from unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
       as n(at, sync, leg, side, record, former, other)
  join flow.match_value a on (a.record, a.sync, a.leg, a.side) = (n.record, n.sync, n.leg, n.side) and a.rule <> ''
  join flow.match_value b on (b.record, b.sync, b.rule) = (n.other, n.sync, a.rule) and b.leg in (n.leg, n.former) and b.side <> n.side
 group by n.at, a.rule
"""

_PARENTS = """
select n.at, coalesce(s.fields ->> n.by, '') as parent
  from unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::text[]) as n(at, connection, entity, record, by)
  join flow.record_state s on (s.connection, s.entity, s.record) = (n.connection, n.entity, n.record) and s.sequence <> '' and not s.deleted
"""
