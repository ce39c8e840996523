"""Pairs that are edited on both sides, as rows: locked by every judgement in either direction, and what is asked about them (R15, R20, R22).

One transaction: lock the pair, tell it what was seen or what became of a write, judge it, store it. What is asked becomes a question that
somebody lists and answers; an answer is read with the next judgement.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from common.journal import Entry, Step
from common.pairs.merging import SIDES, Overridden, Policy, Question, Rule, SideName
from common.pairs.pair import Judgement, Pair, Translate, judged
from common.pairs.sides import Part, Side, pruned
from common.pairs.spelling import spelt
from common.state import pair_questions
from common.state.pool import DbConnection

# A webhook that comes later than this is judged by the newest value alone.
LATE = timedelta(days=3)


class PairEnd(NamedTuple):
    """One record of one system, whichever connection leads there."""

    account: str
    place: str
    entity: str
    id: str


@dataclass(frozen=True, slots=True)
class SidePlan:
    """What a side shall get, as it was judged last: the writer sends this and nothing older."""

    parts: Mapping[str, Part] = field(default_factory=dict)
    raised: bool = True
    """Whether a wish was raised for it, so that a writer comes."""


@dataclass(frozen=True, slots=True)
class PairRow:
    """A locked pair."""

    id: int
    left: PairEnd
    right: PairEnd
    state: str
    pair: Pair
    connections: tuple[str, str]
    """Through which people know the two accounts."""
    planned: Mapping[SideName, SidePlan] = field(default_factory=dict)
    paths: Mapping[str, str] = field(default_factory=dict)
    """The fields that are merged, called as the right side calls them, and what the left calls them."""
    attempts: Mapping[SideName, str] = field(default_factory=dict)
    """The calls of the open writes."""
    owed: bool = False
    """Something is known by which it was not judged yet."""
    happened: tuple[str, ...] = ()
    """For its history."""
    rule: str = ""
    """What has just said that the two are one."""
    ended_at: datetime | None = None
    """When one of its records was found to be gone last, as far as that is stored."""

    @property
    def gone(self) -> SideName | None:
        """Whose record has ended."""
        return {"ended_left": SIDES[0], "ended_right": SIDES[1]}.get(self.state)

    def end(self, side: SideName) -> PairEnd:
        return self.left if side == "left" else self.right

    def with_end(self, side: SideName, id: str) -> PairRow:
        """The pair with another record at this side."""
        end = self.end(side)._replace(id=id)
        return replace(self, left=end) if side == "left" else replace(self, right=end)

    @property
    def whole(self) -> bool:
        """Whether both ends are known."""
        return bool(self.left.id and self.right.id)

    def plan(self, side: SideName) -> SidePlan:
        return self.planned.get(side, SidePlan())

    def with_plan(self, side: SideName, planned: SidePlan) -> PairRow:
        return replace(self, planned={**self.planned, side: planned})

    def path(self, side: SideName, field: str) -> str:
        return self.paths.get(field, field) if side == "left" else field

    def named(self, side: SideName, values: Mapping[str, Any]) -> dict[str, Any]:
        """A side's own record, as far as the pair's fields go, by their names."""
        fields = {self.path(side, at): at for at in self.paths}
        return spelt({fields[path]: value for path, value in values.items() if path in fields})


_SIDE = TypeAdapter(Side)
_PLANNED = TypeAdapter(dict[SideName, SidePlan])


@dataclass(frozen=True, slots=True)
class Judging:
    """A locked pair, and by what it is judged."""

    row: PairRow
    rules: Mapping[str, Rule]
    source: SideName
    translate: Translate


async def lock(tx: DbConnection, ends: Iterable[PairEnd]) -> list[PairRow]:
    """The pairs that have one of these ends, left or right, locked until the transaction ends; in one order, so that no two wait crosswise."""
    columns = [list(column) for column in zip(*sorted(set(ends)), strict=True)]
    if not columns:
        return []
    rows = await tx.fetch(_LOCK, *columns)
    return [row_of(row) for row in rows]


async def save(tx: DbConnection, row: PairRow, pair: Pair, now: datetime) -> None:
    """Stores what is known of both sides now; the row is locked."""
    await store(tx, [replace(row, pair=pair)], now)


async def store(tx: DbConnection, rows: Sequence[PairRow], now: datetime) -> None:
    """Stores all of these as they are now; they are locked."""
    if rows:
        seen, agreed, judgement = zip(*(_stored(row, now) for row in rows), strict=True)
        history = [{"more": [{"at": now.isoformat(), "what": what} for what in row.happened]} for row in rows]
        await tx.execute(
            _STORE, [row.id for row in rows], list(seen), list(agreed), list(judgement), now, [row.state for row in rows],
            [row.left.id for row in rows], [row.right.id for row in rows], [row.owed for row in rows], history,
            [row.rule for row in rows],
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
    """Judges one pair as it is now, stores it with its questions, and says what the journal has to tell."""
    ((after, found, entries),) = await judge_all(tx, [Judging(replace(row, pair=pair), rules, source, translate)], now)
    await store(tx, [after], now)
    return found, entries


async def judge_all(
    tx: DbConnection, judging: Sequence[Judging], now: datetime
) -> list[tuple[PairRow, Judgement, list[Entry]]]:
    """Judges these pairs, and stores their questions; the pairs themselves are the caller's to store."""
    if not judging:
        return []
    answers = await pair_questions.answers_of(tx, [one.row.id for one in judging])
    found = [
        judged(one.row.pair, Policy(one.rules, one.source, answers.get(one.row.id, {})), one.translate)
        for one in judging
    ]
    await pair_questions.close(tx, [(one.row.id, its) for one, its in zip(judging, found, strict=True)])
    asked = [(one.row.id, its.merged.asks) for one, its in zip(judging, found, strict=True)]
    await pair_questions.ask(tx, asked, "differs", now)
    odd = [(one.row.id, its.merged.unexplained) for one, its in zip(judging, found, strict=True)]
    await pair_questions.ask(tx, odd, "unexplained", now)
    return [
        (replace(one.row, pair=its.pair), its, [_told(one.row, lost, now) for lost in its.overridden])
        for one, its in zip(judging, found, strict=True)
    ]


async def survivor_edited(tx: DbConnection, row: PairRow, edited: SideName, now: datetime) -> bool:
    """R22: the counterpart is gone, so an edit is a question and never a create. True where a person has said to make it anew."""
    answer = (await pair_questions.answers_of(tx, [row.id])).get(row.id, {}).get("")
    if answer is not None and answer.winner == edited:
        return True
    if answer is None:
        await pair_questions.ask(tx, [(row.id, {"": Question(None, None)})], "gone", now)
    return False


def _told(row: PairRow, lost: Overridden, now: datetime) -> Entry:
    end, connection = (row.left, row.connections[0]) if lost.side == "left" else (row.right, row.connections[1])
    return Entry(
        at=now, step=Step.STALE, reason=f"overridden_{lost.rule}", connection=connection, entity=end.entity, record=end.id,
        before={lost.field: lost.value}, details={"pair": row.id, "field": lost.field, "side": lost.side},
    )  # fmt: skip


def _stored(row: PairRow, now: datetime) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    sides: dict[str, Any] = {
        name: _SIDE.dump_python(pruned(row.pair.side(name), now - LATE), mode="json") for name in SIDES
    }
    seen, agreed = ({str(name): sides[name].pop(column) for name in SIDES} for column in ("seen", "agreed"))
    told = {at: list(both) for at, both in row.pair.told.items()}
    judgement = {
        **sides, "told": told, "paths": dict(row.paths), "attempts": dict(row.attempts),
        "planned": _PLANNED.dump_python(dict(row.planned), mode="json"),
    }  # fmt: skip
    return seen, agreed, judgement


def row_of(row: Any) -> PairRow:
    """The pair in one row of `flow.pair` with its connections."""
    stored = row["judgement"]
    sides = {
        name: _SIDE.validate_python(
            {**stored.get(name, {}), **{column: row[column].get(name, {}) for column in ("seen", "agreed")}}
        )
        for name in SIDES
    }
    told = {at: (both[0], both[1]) for at, both in stored.get("told", {}).items()}
    pair = Pair(sides["left"], sides["right"], told)
    left, right = (PairEnd(*(row[f"{name}_{part}"] for part in PairEnd._fields)) for name in SIDES)
    return PairRow(
        row["id"], left, right, row["state"], pair, (row["left_connection"], row["right_connection"]),
        _PLANNED.validate_python(stored.get("planned", {})), stored.get("paths", {}), stored.get("attempts", {}), row["owed"],
        ended_at=_ended_at(row["history"]),
    )  # fmt: skip


def _ended_at(history: Sequence[Mapping[str, str]]) -> datetime | None:
    ends = [one["at"] for one in history if one["what"].startswith("ended_")]
    return datetime.fromisoformat(ends[-1]) if ends else None


# Read with every row of `flow.pair as p`.
CONNECTIONS = """
       coalesce((select min(c.id) from core.connection c where c.account = p.left_account), p.left_account) as left_connection,
       coalesce((select min(c.id) from core.connection c where c.account = p.right_account), p.right_account) as right_connection"""

_LOCK = f"""
select p.*, {CONNECTIONS}
  from flow.pair p
 where p.id in (
    select q.id from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as n(account, place, entity, id)
      join flow.pair q on (q.left_account, q.left_place, q.left_entity, q.left_id) = (n.account, n.place, n.entity, n.id)
    union
    select q.id from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as n(account, place, entity, id)
      join flow.pair q on (q.right_account, q.right_place, q.right_entity, q.right_id) = (n.account, n.place, n.entity, n.id) and q.right_id <> '')
   and p.exclusive and p.state <> 'unlinked'
 order by p.id for update of p
"""  # noqa: S608 - a constant of ours

_STORE = """
update flow.pair p
   set seen = n.seen, agreed = n.agreed, judgement = n.judgement, changed_at = $5, state = n.state, left_id = n.left_id,
       right_id = n.right_id, owed = n.owed, history = p.history || (n.history -> 'more'),
       rule = case when n.rule <> '' then n.rule else p.rule end
  from unnest($1::bigint[], $2::jsonb[], $3::jsonb[], $4::jsonb[], $6::text[], $7::text[], $8::text[], $9::boolean[], $10::jsonb[],
              $11::text[]) as n(id, seen, agreed, judgement, state, left_id, right_id, owed, history, rule)
 where p.id = n.id
"""
