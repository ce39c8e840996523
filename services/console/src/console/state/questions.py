"""Questions about pairs: rows of `flow.pair_question`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from common.state import pool as state

Question = Mapping[str, Any]


async def open_ones(tx: state.DbConnection, after: Sequence[str] | None, limit: int) -> Sequence[Question]:
    """The oldest first."""
    at, pair, field = after or (None, 0, "")
    return list(await tx.fetch(_OPEN, datetime.fromisoformat(at) if at else None, int(pair), field, limit))


async def answer(
    tx: state.DbConnection, pair: int, field: str, winner: str, who: str, why: str, now: datetime
) -> Question | None:
    """The question as it was answered; None when there is none that is open. The pair is judged by it next, and is locked first as always."""
    await tx.execute("update flow.pair set owed = true where id = $1", pair)
    found: Question | None = await tx.fetchrow(_ANSWER, pair, field, winner, now, who, why)
    return found


_OPEN = """
select q.*, p.left_entity, p.left_id, p.left_key, p.right_entity, p.right_id, p.right_key, p.left_account, p.right_account
  from flow.pair_question q join flow.pair p on p.id = q.pair
 where q.winner = '' and q.kind in ('differs', 'gone') and ($1::timestamptz is null or (q.asked_at, q.pair, q.field) > ($1, $2::bigint, $3))
 order by q.asked_at, q.pair, q.field limit $4
"""

_ANSWER = """
update flow.pair_question q set winner = $3, answered_at = $4, answered_by = $5, why = $6
  from flow.pair p
 where q.pair = $1 and q.field = $2 and q.winner = '' and q.kind in ('differs', 'gone') and p.id = q.pair
returning q.*, p.left_account, p.left_entity, p.left_id, p.left_key, p.right_entity, p.right_id, p.right_key, p.right_account
"""
