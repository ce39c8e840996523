"""All open questions of a kind and a sync, counted and decided together: rows of `flow.pair_question`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from common.state import pool as state
from console.state import reviews
from console.state.reviews import Review


async def count(tx: state.DbConnection, kind: str, sync: str, until: int | None) -> tuple[int, int]:
    """How many there are, and the highest number of them."""
    row = await tx.fetchrow(f"select count(*) as n, coalesce(max(q.id), 0) as until {_OF_SYNC}", kind, sync, until)
    return row["n"], row["until"]


async def take(tx: state.DbConnection, kind: str, sync: str, until: int, count: int) -> Sequence[Review]:
    """The next of them, locked after their pairs, as by everybody who judges them; what was asked otherwise meanwhile is not among them."""
    listed = await tx.fetch(f"select q.id, q.pair {_OF_SYNC} order by q.id limit $4", kind, sync, until, count)
    await tx.execute(_LOCK_PAIRS, sorted(row["pair"] for row in listed))
    return await reviews.some(tx, [row["id"] for row in listed])


async def decide(
    tx: state.DbConnection, winners: Mapping[int, str], pairs: Sequence[int], who: str, why: str, now: datetime
) -> None:
    """The pairs are judged by it next."""
    await tx.execute(_DECIDE, list(winners), list(winners.values()), now, who, why)
    await tx.execute("update flow.pair set owed = true where id = any($1::bigint[])", list(pairs))


# Of records that several syncs could lead from one to the other the list names one sync, and so does this.
_OF_SYNC = """
  from flow.pair_question q join flow.pair p on p.id = q.pair
  join (select distinct on (l.source_entity, l.target_entity, left_account, right_account) l.source_entity, l.target_entity,
               coalesce(nullif(s.account, ''), s.id) as left_account, coalesce(nullif(t.account, ''), t.id) as right_account, y.name
          from core.leg l join core.sync y on y.id = l.sync
          join core.connection s on s.id = l.source_connection join core.connection t on t.id = l.target_connection
         where l.direction = 'forward'
         order by l.source_entity, l.target_entity, left_account, right_account, y.state = 'active' desc, y.name) as w
    on (w.source_entity, w.target_entity, w.left_account, w.right_account) = (p.left_entity, p.right_entity, p.left_account, p.right_account)
 where q.winner = '' and q.kind = $1 and w.name = $2 and ($3::bigint is null or q.id <= $3)"""

_LOCK_PAIRS = "select from flow.pair where id = any($1::bigint[]) order by id for update"

_DECIDE = """
update flow.pair_question q set winner = n.winner, answered_at = $3, answered_by = $4, why = $5
  from unnest($1::bigint[], $2::text[]) as n(id, winner) where q.id = n.id and q.winner = ''
"""
