"""What people are asked about pairs, and what they have answered (R20, R22; decision 70)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from common.pairs.merging import Answer, Question
from common.pairs.pair import Judgement
from common.state.pool import DbConnection


async def answers_of(tx: DbConnection, pairs: Sequence[int]) -> dict[int, dict[str, Answer]]:
    """What people have said of these."""
    rows = await tx.fetch(
        """
        select pair, field, left_value, right_value, winner from flow.pair_question
         where pair = any($1::bigint[]) and winner <> '' and kind in ('differs', 'gone', 'unexplained')
        """,
        list(pairs),
    )
    found: dict[int, dict[str, Answer]] = {}
    for row in rows:
        found.setdefault(row["pair"], {})[row["field"]] = Answer(row["left_value"], row["right_value"], row["winner"])
    return found


class StoredQuestion(NamedTuple):
    """What was asked about a record as a whole; the winner is empty while nobody has answered."""

    kind: str
    left: Any
    right: Any
    winner: str


async def whole_questions(tx: DbConnection, pairs: Sequence[int]) -> dict[int, StoredQuestion]:
    """What was asked about these as a whole."""
    rows = await tx.fetch(
        "select pair, kind, left_value, right_value, winner from flow.pair_question where pair = any($1::bigint[]) and field = ''",
        list(pairs),
    )
    return {row["pair"]: StoredQuestion(*row[1:]) for row in rows}


async def forget_questions(tx: DbConnection, pairs: Sequence[int]) -> None:
    """Nobody has to say any more what these are."""
    if pairs:
        await tx.execute("delete from flow.pair_question where field = '' and pair = any($1::bigint[])", list(pairs))


async def proposed(tx: DbConnection, pairs: Sequence[int]) -> set[int]:
    """Those of these, whose record has lost its counterpart, of which a person is asked already whether another one took its place."""
    return {row["id"] for row in await tx.fetch(_PROPOSED, list(pairs))}


async def forget_open(tx: DbConnection, pairs: Sequence[int], kinds: Sequence[str]) -> None:
    """Nobody has to answer any more what was asked about these as a whole; what was answered stays."""
    if pairs:
        await tx.execute(
            "delete from flow.pair_question where pair = any($1::bigint[]) and field = '' and winner = '' and kind = any($2::text[])",
            list(pairs), list(kinds),
        )  # fmt: skip


async def ask(tx: DbConnection, asked: Sequence[tuple[int, Mapping[str, Question]]], kind: str, now: datetime) -> None:
    """The same question again stays as it is; other values make it a new one (R20)."""
    rows = [(pair, at, {"value": one.left}, {"value": one.right}) for pair, its in asked for at, one in its.items()]
    if rows:
        await tx.execute(_ASK, *(list(column) for column in zip(*rows, strict=True)), kind, now)


async def close(tx: DbConnection, found: Sequence[tuple[int, Judgement]]) -> None:
    """What nobody has to decide any more is no question; an answer goes once both sides agree."""
    decided = [
        (pair, at) for pair, its in found for at in its.free - its.merged.asks.keys() - its.merged.unexplained.keys()
    ]
    agreed = [(pair, at) for pair, its in found for at in its.merged.agreed]
    if decided or agreed:
        await tx.execute(
            _CLOSE, [p for p, _ in decided], [at for _, at in decided], [p for p, _ in agreed], [at for _, at in agreed]
        )


_PROPOSED = """
select d.id from flow.pair d
  join flow.pair s on (s.left_account, s.left_place, s.left_entity, s.right_account, s.right_place, s.right_entity)
                    = (d.left_account, d.left_place, d.left_entity, d.right_account, d.right_place, d.right_entity)
  join flow.pair_question q on q.pair = s.id and q.kind = 'merge' and q.winner = ''
 where d.id = any($1::bigint[]) and case d.state when 'ended_right' then q.left_value ? d.left_id else q.right_value ? d.right_id end
"""

_CLOSE = """
delete from flow.pair_question q
 where q.kind in ('differs', 'unexplained')
   and ((q.winner = '' and (q.pair, q.field) in (select * from unnest($1::bigint[], $2::text[])))
        or (q.pair, q.field) in (select * from unnest($3::bigint[], $4::text[])))
"""

_ASK = """
insert into flow.pair_question as q (pair, kind, field, left_value, right_value, asked_at)
select n.pair, $5, n.field, n.l -> 'value', n.r -> 'value', $6
  from unnest($1::bigint[], $2::text[], $3::jsonb[], $4::jsonb[]) as n(pair, field, l, r)
on conflict (pair, field) do update
   set id = default, left_value = excluded.left_value, right_value = excluded.right_value, asked_at = excluded.asked_at, kind = excluded.kind,
       winner = '', answered_at = null, answered_by = '', why = ''
 where (q.kind, q.left_value, q.right_value) is distinct from (excluded.kind, excluded.left_value, excluded.right_value)
"""
