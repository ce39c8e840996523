"""Everything that a person has to decide about records, as rows of `flow.pair_question` with what is known of both sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from common.state import pool as state

Review = Mapping[str, Any]


async def open_ones(
    tx: state.DbConnection,
    kind: str,
    sync: str,
    since: datetime | None,
    after: tuple[datetime, int] | None,
    limit: int,
) -> Sequence[Review]:
    """The oldest first."""
    at, id = after or (None, 0)
    return list(await tx.fetch(_OPEN, kind, sync, at, id, limit, since))


async def one(tx: state.DbConnection, id: int, *, lock: bool = False) -> Review | None:
    """One that is open. It is locked after its pair, as by everybody who judges it."""
    if lock:
        await tx.execute(_LOCK_PAIR, id)
    found: Review | None = await tx.fetchrow(_ONE + (" for update of q" if lock else ""), id)
    return found


async def some(tx: state.DbConnection, ids: Sequence[int]) -> Sequence[Review]:
    """Those of them that are open, locked; their pairs are."""
    return list(await tx.fetch(f"{_SHOWN} and q.id = any($1::bigint[]) order by q.id for update of q", list(ids)))


async def told(
    tx: state.DbConnection, account: str, entity: str, ids: Sequence[str]
) -> Mapping[str, Mapping[str, Any]]:
    """What these records were told to be; of those that are there."""
    rows = await tx.fetch(_TOLD, account, entity, list(ids))
    return {row["record"]: row["fields"] for row in rows}


async def linked(tx: state.DbConnection, review: Review, side: str, ids: Sequence[str]) -> set[str]:
    """Those of this side that have a counterpart of the kind that the question is about."""
    there = "right" if side == "left" else "left"
    kinds = [review[f"{at}_{name}"] for at in (side, there) for name in ("account", "entity")]
    rows = await tx.fetch(_LINKED_LEFT if side == "left" else _LINKED_RIGHT, *kinds, list(ids))
    return {row["id"] for row in rows}


async def decide(tx: state.DbConnection, id: int, winner: str, who: str, why: str, now: datetime) -> None:
    """The pair is judged by it next."""
    await tx.execute(_DECIDE, id, winner, now, who, why)
    await tx.execute(
        "update flow.pair set owed = true where id = (select pair from flow.pair_question where id = $1)", id
    )


_SYNC = """lateral (
    select y.name from core.leg l join core.sync y on y.id = l.sync
      join core.connection s on s.id = l.source_connection join core.connection t on t.id = l.target_connection
     where l.direction = 'forward' and (l.source_entity, l.target_entity) = (p.left_entity, p.right_entity)
       and (coalesce(nullif(s.account, ''), s.id), coalesce(nullif(t.account, ''), t.id)) = (p.left_account, p.right_account)
     order by y.state = 'active' desc, y.name limit 1) as y on true"""
_NAMED = """lateral (select c.name from core.connection c where c.account = p.{side}_account
                       order by c.state = 'active' desc, c.id limit 1) as {to} on true"""
_SHOWN = f"""
select q.*, p.state, p.left_entity, p.left_id, p.left_key, p.left_place, p.left_account, p.right_entity, p.right_id, p.right_key, p.right_place,
       p.right_account, coalesce(y.name, '') as sync, coalesce(a.name, p.left_account) as left_name, coalesce(b.name, p.right_account) as right_name,
       case when p.judgement -> 'left' -> 'unexplained' ? q.field then 'left' else 'right' end as shown_at
  from flow.pair_question q join flow.pair p on p.id = q.pair
  left join {_SYNC} left join {_NAMED.format(side="left", to="a")} left join {_NAMED.format(side="right", to="b")}
 where q.winner = ''"""  # noqa: S608 - constants of this module

_OPEN = f"""{_SHOWN}
   and ($1 = '' or q.kind = $1) and ($2 = '' or y.name = $2) and ($3::timestamptz is null or (q.asked_at, q.id) > ($3, $4::bigint))
   and ($6::timestamptz is null or q.asked_at >= $6)
 order by q.asked_at, q.id limit $5
"""
_ONE = f"{_SHOWN} and q.id = $1"
_LOCK_PAIR = "select from flow.pair where id = (select pair from flow.pair_question where id = $1) for update"

_TOLD = """
select distinct on (s.record) s.record, s.fields from core.connection c
  join flow.record_state s on s.connection = c.id and s.entity = $2 and s.record = any($3::text[]) and not s.deleted and s.redacted = ''
 where coalesce(nullif(c.account, ''), c.id) = $1 order by s.record, c.state = 'active' desc
"""

_LINKED_LEFT = """
select left_id as id from flow.pair
 where left_account = $1 and left_entity = $2 and right_account = $3 and right_entity = $4 and left_id = any($5::text[]) and exclusive
   and state = 'linked'
"""
_LINKED_RIGHT = """
select right_id as id from flow.pair
 where right_account = $1 and right_entity = $2 and left_account = $3 and left_entity = $4 and right_id = any($5::text[]) and right_id <> ''
   and exclusive and state = 'linked'
"""

_DECIDE = """
update flow.pair_question set winner = $2, answered_at = $3, answered_by = $4, why = $5 where id = $1 and winner = ''
"""
