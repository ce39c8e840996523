"""Pairs that are edited on both sides, as rows: locked by every judgement in either direction, and what is asked about them (R15, R20, R22).

One transaction: lock the pair, tell it what was seen or what became of a write, judge it, store it. What is asked becomes a question that
somebody lists and answers; an answer is read with the next judgement.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from common.journal import Entry, Step
from common.pairs.merging import SIDES, Answer, Overridden, Policy, Question, Rule, SideName
from common.pairs.pair import Judgement, Pair, Translate, judged
from common.pairs.sides import Side, pruned
from common.state.pool import DbConnection

# A webhook that comes later than this is judged by the newest value alone.
LATE = timedelta(days=3)
_SIDE = TypeAdapter(Side)


class RecordRef(NamedTuple):
    """One record of one system, whichever connection leads there."""

    account: str
    place: str
    entity: str
    id: str


@dataclass(frozen=True, slots=True)
class PairRow:
    """A locked pair."""

    id: int
    left: RecordRef
    right: RecordRef
    state: str
    pair: Pair
    connections: tuple[str, str]
    """Through which people know the two accounts."""

    @property
    def gone(self) -> SideName | None:
        """Whose record has ended."""
        return {"ended_left": SIDES[0], "ended_right": SIDES[1]}.get(self.state)


async def lock(tx: DbConnection, ends: Iterable[RecordRef]) -> list[PairRow]:
    """The pairs that have one of these ends, left or right, locked until the transaction ends; in one order, so that no two wait crosswise."""
    columns = [list(column) for column in zip(*sorted(set(ends)), strict=True)]
    if not columns:
        return []
    rows = await tx.fetch(_LOCK, *columns)
    return [_row(row) for row in rows]


async def save(tx: DbConnection, row: PairRow, pair: Pair, now: datetime) -> None:
    """Stores what is known of both sides now; the row is locked."""
    sides: dict[str, Any] = {
        name: _SIDE.dump_python(pruned(pair.side(name), now - LATE), mode="json") for name in SIDES
    }
    columns = [{name: sides[name].pop(column) for name in SIDES} for column in ("seen", "agreed")]
    told = {at: list(both) for at, both in pair.told.items()}
    judgement: dict[str, Any] = {**sides, "restored": pair.restored, "told": told}
    await tx.execute(
        "update flow.pair set seen = $2, agreed = $3, judgement = $4, changed_at = $5 where id = $1",
        row.id, *columns, judgement, now,
    )  # fmt: skip


async def judge(
    tx: DbConnection,
    row: PairRow,
    pair: Pair,
    rules: Mapping[str, Rule],
    source: SideName,
    translate: Translate,
    now: datetime,
) -> tuple[Judgement, list[Entry]]:
    """Judges the pair as it is now, stores it with its questions, and says what the journal has to tell."""
    policy = Policy(rules, source, await _answers(tx, row.id))
    found = judged(pair, policy, translate)
    await save(tx, row, found.pair, now)
    await _close(tx, row.id, found)
    await _ask(tx, row.id, found.merged.asks, "differs", now)
    return found, [_told(row, lost, now) for lost in found.overridden]


async def survivor_edited(tx: DbConnection, row: PairRow, edited: SideName, now: datetime) -> bool:
    """R22: the counterpart is gone, so an edit is a question and never a create. True where a person has said to make it anew."""
    answer = (await _answers(tx, row.id)).get("")
    if answer is not None and answer.winner == edited:
        return True
    if answer is None:
        await _ask(tx, row.id, {"": Question(None, None)}, "gone", now)
    return False


async def _answers(tx: DbConnection, pair: int) -> dict[str, Answer]:
    rows = await tx.fetch(
        "select field, left_value, right_value, winner from flow.pair_question where pair = $1 and winner <> ''", pair
    )
    return {row["field"]: Answer(row["left_value"], row["right_value"], row["winner"]) for row in rows}


async def _ask(tx: DbConnection, pair: int, asked: Mapping[str, Question], kind: str, now: datetime) -> None:
    """The same question again stays as it is; other values make it a new one (R20)."""
    if asked:
        values = [[{"value": value} for value in side] for side in zip(*asked.values(), strict=True)]
        await tx.execute(_ASK, pair, kind, list(asked), *values, now)


async def _close(tx: DbConnection, pair: int, found: Judgement) -> None:
    """What nobody has to decide any more is no question; an answer goes once both sides agree."""
    await tx.execute(_CLOSE, pair, [at for at in found.free if at not in found.merged.asks], list(found.merged.agreed))


def _told(row: PairRow, lost: Overridden, now: datetime) -> Entry:
    end, connection = (row.left, row.connections[0]) if lost.side == "left" else (row.right, row.connections[1])
    return Entry(
        at=now, step=Step.STALE, reason=f"overridden_{lost.rule}", connection=connection, entity=end.entity, record=end.id,
        before={lost.field: lost.value}, details={"pair": row.id, "field": lost.field, "side": lost.side},
    )  # fmt: skip


def _row(row: Any) -> PairRow:
    stored = row["judgement"]
    sides = {
        name: _SIDE.validate_python(
            {**stored.get(name, {}), **{column: row[column].get(name, {}) for column in ("seen", "agreed")}}
        )
        for name in SIDES
    }
    told = {at: (both[0], both[1]) for at, both in stored.get("told", {}).items()}
    pair = Pair(sides["left"], sides["right"], bool(stored.get("restored")), told)
    left, right = (RecordRef(*(row[f"{name}_{part}"] for part in RecordRef._fields)) for name in SIDES)
    return PairRow(row["id"], left, right, row["state"], pair, (row["left_connection"], row["right_connection"]))


_LOCK = """
select p.*, coalesce((select min(c.id) from core.connection c where c.account = p.left_account), p.left_account) as left_connection,
       coalesce((select min(c.id) from core.connection c where c.account = p.right_account), p.right_account) as right_connection
  from flow.pair p
 where p.id in (
    select q.id from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as n(account, place, entity, id)
      join flow.pair q on (q.left_account, q.left_place, q.left_entity, q.left_id) = (n.account, n.place, n.entity, n.id)
    union
    select q.id from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as n(account, place, entity, id)
      join flow.pair q on (q.right_account, q.right_place, q.right_entity, q.right_id) = (n.account, n.place, n.entity, n.id) and q.right_id <> '')
   and p.exclusive and p.state <> 'unlinked'
 order by p.id for update of p
"""

_CLOSE = """
delete from flow.pair_question
 where pair = $1 and kind = 'differs' and ((winner = '' and field = any($2::text[])) or field = any($3::text[]))
"""

_ASK = """
insert into flow.pair_question as q (pair, kind, field, left_value, right_value, asked_at)
select $1, $2, n.field, n.l -> 'value', n.r -> 'value', $6 from unnest($3::text[], $4::jsonb[], $5::jsonb[]) as n(field, l, r)
on conflict (pair, field) do update
   set left_value = excluded.left_value, right_value = excluded.right_value, asked_at = excluded.asked_at, kind = excluded.kind,
       winner = '', answered_at = null, answered_by = '', why = ''
 where (q.kind, q.left_value, q.right_value) is distinct from (excluded.kind, excluded.left_value, excluded.right_value)
"""
