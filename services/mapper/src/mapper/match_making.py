"""What came of the rules: pairs that are whole from now on, questions, and records that wait, in the transaction that has locked all of them.

A link writes nothing at either side by itself. A question holds for those whom it names (R20): another one who shares the value asks anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from common.contracts.matching import rules_of
from common.contracts.outcomes import SkipReason
from common.journal import Entry, Step
from common.pairs.merging import SIDES, Question, SideName, other
from common.state import match_values, pair_births, pair_questions
from common.state.match_values import MOST
from common.state.pairs import PairEnd, PairRow
from common.state.pool import DbConnection
from mapper.match_births import Births
from mapper.matching import Asked, Known, Match, Standing, decide
from mapper.two_ways import LegRecord, TwoWays, side_of

KINDS = ("match", "unmatched", "merge")


@dataclass(slots=True)
class Making:
    """The pairs of one transaction, while counterparts are found for those that have none."""

    births: Births
    at: dict[LegRecord, int]
    rows: dict[int, PairRow]
    """The records' own."""
    others: dict[int, PairRow]
    """Those of candidates, locked too."""
    held: dict[int, SkipReason] = field(default_factory=dict)
    """By pair, why nothing is written of its record."""
    merged: list[int] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    linked: list[int] = field(default_factory=list)
    _asked: dict[int, tuple[LegRecord, Asked]] = field(default_factory=dict)
    _judged: list[int] = field(default_factory=list)
    _found: dict[tuple[SideName, PairEnd, tuple[str, ...]], int] = field(default_factory=dict)

    async def make(self, tx: DbConnection, now: datetime) -> None:
        """Links whom a rule names, and asks about those of whom none can say it."""
        self._found = {
            (side, row.end(side), row.end(other(side))[:3]): id
            for id, row in {**self.others, **self.rows}.items()
            for side in SIDES
            if row.end(side).id
        }
        for one in self.births.known:
            self._decide(one, now)
        for one, reason in self.births.held.items():
            if one in self.at:
                self.held[self.at[one]] = reason
        if self._judged or self.linked:
            await self._store_questions(tx, now)
        await self._forget_those_who_left(tx)

    async def _forget_those_who_left(self, tx: DbConnection) -> None:
        """Whoever is gone, or is in another leg by now, has nothing to be asked about; what was answered holds if they come back."""
        births = self.births
        left = [
            row.id
            for one, id in self.at.items()
            if one in births.ways and one not in births.known and one not in births.held
            if (row := self.rows.get(id)) is not None and row.state == "alone"
        ]
        await pair_questions.forget_open(tx, left, KINDS)

    def _decide(self, one: LegRecord, now: datetime) -> None:
        row = self.rows.get(self.at.get(one, 0))
        if row is None or row.state != "alone":
            return
        ways, known = self.births.ways[one], self.births.known[one]
        side = side_of(one, ways)
        found = decide(
            one.key.record,
            side,
            known,
            rules_of(ways.forward),
            lambda where, id: self._standing(ways, where, id, known),
        )
        if isinstance(found, Match):
            self._link(one, ways, row, found, now)
            return
        self._judged.append(row.id)
        if found is not None:
            self._asked[row.id] = (one, found)

    def _standing(self, ways: TwoWays, side: SideName, id: str, known: Known) -> Standing:
        """As the record sees it of which this is known."""
        row = self._row(ways, side, id)
        if row is None or row.state == "alone":
            return "free"
        if row.gone == other(side):
            was_there = row.ended_at is not None and known.first_at is not None and known.first_at < row.ended_at
            return "left_behind" if was_there else "free"
        return "busy" if row.state == "reserved" else "taken"

    def _row(self, ways: TwoWays, side: SideName, id: str) -> PairRow | None:
        at = self._found.get((side, ways.end(side, id), ways.ends[other(side)][:3]))
        return None if at is None else self.rows.get(at) or self.others.get(at)

    def _link(self, one: LegRecord, ways: TwoWays, row: PairRow, found: Match, now: datetime) -> None:
        side = other(side_of(one, ways))
        joined = pair_births.join(
            row, side, found.id, {**self.others, **self.rows} if self._row(ways, side, found.id) else {}
        )
        assert joined.row is not None, "it was free"
        linked = replace(joined.row, rule=found.rule)
        if joined.merged is not None:
            self.merged.append(joined.merged)
            self.rows.pop(joined.merged, None)
            self.others.pop(joined.merged, None)
        self.others.pop(linked.id, None)
        self.rows[linked.id] = linked
        self.linked.append(linked.id)
        gone = {joined.merged, row.id} - {linked.id}
        self.at |= {record: linked.id for record, id in self.at.items() if id in gone}
        self.at[one] = linked.id
        for where in SIDES:
            self._found[where, linked.end(where), linked.end(other(where))[:3]] = linked.id
        left = ways.source("left")
        self.entries.append(
            Entry(
                at=now, step=Step.LINKED, reason="match", words=f"By {found.rule}.", sync=one.sync, connection=left[0], entity=left[1],
                record=linked.left.id, target_key=linked.right.id,
                details={"pair": linked.id, "rule": found.rule, "values": sorted(found.values)},
            )
        )  # fmt: skip

    async def _store_questions(self, tx: DbConnection, now: datetime) -> None:
        """Those that are new or ask something else; those that nobody has to answer any more go."""
        peers = {row.id for _, ways, side, id in self._peers() if (row := self._row(ways, side, id)) is not None}
        stored = await pair_questions.whole_questions(tx, [*self._judged, *self.linked, *peers])
        over = [id for id in (*self._judged, *self.linked) if id in stored and id not in self._asked]
        await pair_questions.forget_questions(tx, [id for id in over if stored[id].kind in KINDS])
        proposed: list[int] = []
        asks: dict[str, list[tuple[int, Mapping[str, Question]]]] = {kind: [] for kind in KINDS}
        for id, (one, asked) in self._asked.items():
            side = side_of(one, self.births.ways[one])
            question = Question(*(_shown(asked, where, side) for where in SIDES))
            before = stored.get(id)
            same = before is not None and (before.kind, before.left, before.right) == (asked.kind, *question)
            if same and before is not None and before.winner:
                self._answered(id, before.winner)
                continue
            self.held[id] = SkipReason.MATCH_ASKED
            if not same:
                asks[asked.kind].append((id, {"": question}))
            if asked.kind == "merge":
                proposed += self._rows_of(one, asked)
        for kind, its in asks.items():
            await pair_questions.ask(tx, its, kind, now)
        # What becomes of whom it has left behind is asked there.
        await pair_questions.forget_open(tx, proposed, ("gone",))
        unasked = {
            (one.sync, ways.forward.name, side, id)
            for one, ways, side, id in self._peers()
            if self._has_to_say(ways, side, id, stored)
        }
        await match_values.again(tx, unasked)

    def _rows_of(self, one: LegRecord, asked: Asked) -> list[int]:
        """The pairs of those whom it names on the other side."""
        ways = self.births.ways[one]
        there = other(side_of(one, ways))
        return [row.id for id in asked.theirs if (row := self._row(ways, there, id)) is not None]

    def _has_to_say(self, ways: TwoWays, side: SideName, id: str, stored: Mapping[int, object]) -> bool:
        """Whether one who shares the value was judged before anybody asked: what is due of it has to wait too."""
        row = self._row(ways, side, id)
        return row is not None and row.id in self.others and row.state == "alone" and row.id not in stored

    def _peers(self) -> Sequence[tuple[LegRecord, TwoWays, SideName, str]]:
        return [
            (one, self.births.ways[one], side, id)
            for one, asked in self._asked.values()
            for side in SIDES
            for id in asked.side(side, side_of(one, self.births.ways[one]))
        ]

    def _answered(self, id: int, winner: str) -> None:
        if winner == "leave":
            self.held[id] = SkipReason.LEFT_ALONE


def _shown(asked: Asked, side: SideName, own: SideName) -> list[Any]:
    """Records of the leg by their ids; those of other legs say what they are, because nobody of them can be chosen."""
    others = [one._asdict() for one in asked.elsewhere] if side != own else []
    return [*_named(asked.side(side, own)), *others]


def _named(ids: Sequence[str]) -> list[str]:
    """Of very many their number says enough."""
    return list(ids[:MOST]) + (["more"] if len(ids) > MOST else [])
