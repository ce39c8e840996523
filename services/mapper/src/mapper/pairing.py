"""Pairs of legs that lead both ways, judged in the transaction that has locked their records (R15 to R22, decision 29).

In: records of such legs, locked, with what has just been told of them. Out: what each side shall get, in the pair's own row, where the
writer finds it; and for every leg what its wish is beyond that. Durable with the caller's commit: what was seen, what was agreed, what is
asked, and what shall be written, all at once.

One statement locks the pairs of a whole batch, in one order. A batch without such legs costs none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from common.contracts.ids import RecordId
from common.contracts.messages import ChangeEvent, Version
from common.contracts.outcomes import SkipReason
from common.contracts.syncs import Leg
from common.journal import Entry
from common.pairs import pair as pairs
from common.pairs.merging import SIDES, Question, SideName, other
from common.pairs.sides import Observation
from common.state import match_values, pair_births, pair_questions, pairs_by_hand
from common.state import pairs as rows
from common.state.configuration import Configuration
from common.state.pair_births import FirstSeen
from common.state.pairs import LATE, Judging, PairEnd, PairRow
from common.state.pool import DbConnection
from mapper import pair_plans
from mapper.mappings import Mappings
from mapper.match_births import Births, legs_under
from mapper.match_making import Making
from mapper.state import RecordState
from mapper.state_rows import Key
from mapper.two_ways import LegRecord, TwoWays, side_of, ways_of
from mapper.wish import DesiredDocument

Matched = Literal["alike", "differs"] | None
"""None: it has no counterpart, or its leg has no rules."""
_NOT_YET = (SkipReason.SIDES_UNREAD, SkipReason.PARENT_AWAITED, SkipReason.CREATE_OPEN)


@dataclass(slots=True)
class Pairing:
    """The pairs of one transaction."""

    now: datetime
    configuration: Configuration = field(default_factory=lambda: Configuration(0))
    told: frozenset[int] = frozenset()
    """Pairs of whose link whoever waits for it is told in this transaction (`pair_settling.py`)."""
    rows: dict[int, PairRow] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    _ways: dict[LegRecord, TwoWays] = field(default_factory=dict)
    _at: dict[LegRecord, int] = field(default_factory=dict)
    _anew: set[int] = field(default_factory=set)
    _births: Births = field(default_factory=Births)
    _others: dict[int, PairRow] = field(default_factory=dict)
    """Pairs of those who may be the counterparts of these."""
    _making: Making | None = None
    _held: dict[int, SkipReason] = field(default_factory=dict)
    """By pair, why nothing is written of its record."""

    @classmethod
    async def of(
        cls, tx: DbConnection, configuration: Configuration, mappings: Mappings, states: Mapping[Key, RecordState], now: datetime,
        *, told: frozenset[int] = frozenset(),
    ) -> Pairing:  # fmt: skip
        """Locks the pairs of these records; one that has none yet gets it, because whatever is seen of it is kept there."""
        pairing = cls(now, configuration, told)
        both = {(leg.source, leg.source_entity) for leg in configuration.legs() if configuration.way_back(leg)}
        for key, state in states.items():
            if not state.known or (key.connection, key.entity) not in both:
                continue
            for leg in configuration.legs_of(key.connection, key.entity):
                ways = ways_of(configuration, mappings, leg)
                if ways is not None:
                    pairing._ways[LegRecord(leg.sync, leg.name, key)] = ways
        if pairing._ways:
            pairing._births = await Births.of(tx, configuration, mappings, pairing._ways, states)
            await pairing._lock(tx, states)
        return pairing

    async def _lock(self, tx: DbConnection, states: Mapping[Key, RecordState]) -> None:
        # R15: one row for both directions, locked by every judgement.
        await self._find(tx)
        new = [
            FirstSeen(side, self._end(one), self._ways[one].ends[other(side)])
            for one in self._ways
            if one not in self._at and not states[one.key].deleted
            for side in (self._side(one),)
        ]
        if new:
            await pairs_by_hand.adopt(tx, new, self.now)
            await pair_births.ensure(tx, new, self.now)
        if new or len(self._at) < len(self._ways):
            # One that somebody has joined with another while we waited for it has that one's pair now, whether it is there still or not.
            await self._find(tx)

    async def _find(self, tx: DbConnection) -> None:
        found = await rows.lock(tx, [*(self._end(one) for one in self._ways), *self._births.candidates()])
        of = {(side, row.end(side), row.end(other(side))[:3]): row.id for row in found for side in SIDES}
        for one, ways in self._ways.items():
            side = self._side(one)
            id = of.get((side, self._end(one), ways.ends[other(side)][:3]))
            if id is not None:
                self._at[one] = id
        own = set(self._at.values())
        self.rows = {row.id: row for row in found if row.id in own}
        self._others = {row.id: row for row in found if row.id not in own}

    def _side(self, one: LegRecord) -> SideName:
        return side_of(one, self._ways[one])

    def _end(self, one: LegRecord) -> PairEnd:
        return self._ways[one].end(self._side(one), one.key.record)

    def _of(self, key: Key) -> Iterator[tuple[LegRecord, int]]:
        return ((one, id) for one, id in self._at.items() if one.key == key)

    # --- what was seen

    def recall(self, states: Mapping[Key, RecordState]) -> None:
        """What was known of the records before their leg had a way back."""
        for one, id in self._at.items():
            state, side = states.get(one.key), self._side(one)
            if state is None or not state.field_versions or self.rows[id].pair.side(side).version is not None:
                continue
            version = Version.of_sequence(state.sequence)
            values = self._ways[one].mirror.values(side, state.record(), whole=True)
            self._see(id, side, Observation(version.stamp, version.settled, values))

    def observe(self, key: Key, change: ChangeEvent) -> None:
        """R16 to R19: every change is told to the pair, late and repeated ones too: it knows what they are."""
        for one, id in self._of(key):
            if change.kind == "changed":
                row, mirror = self.rows[id], self._ways[one].mirror
                if row.owed and row.whole:
                    # R15: what was known when the two were linked comes before what is told now.
                    self.rows[id] = replace(row, pair=pairs.alike_agreed(row.pair, mirror.translate))
                side, whole = self._side(one), change.coverage == "detail"
                values = mirror.values(side, change.fields, whole=whole)
                # R18: whether it is our own write that this read shows, by the name that its answer gave us.
                by_us = bool(change.author) and change.author == row.pair.side(side).author
                self._see(id, side, Observation(change.version.stamp, change.version.settled, values, by_us))

    def _see(self, id: int, side: SideName, what: Observation) -> None:
        row = self.rows[id]
        known = row.pair.side(side).version
        if known is not None and what.stamp < min(known.stamp, self.now - LATE):
            return
        self.rows[id] = replace(row, pair=pairs.seen(row.pair, side, what))

    # --- the judgement

    async def judge(self, tx: DbConnection, states: Mapping[Key, RecordState]) -> None:
        """What both sides shall have, by what is known now."""
        self._making = Making(self._births, self._at, self.rows, self._others)
        await self._making.make(tx, self.now)
        self.entries += self._making.entries
        self._held = self._making.held
        ways = {id: self._ways[one] for one, id in self._at.items()}
        for one, id in self._at.items():
            self._exists(id, self._side(one), there=not _deleted(states[one.key], self._ways[one], self._side(one)))
        await self._ask_survivors(tx, states)
        await self._hold_behind_creates(tx, states)
        judging = [Judging(row, ways[id].rules, "left", ways[id].mirror.translate) for id, row in self.rows.items()]
        for row, found, told in await rows.judge_all(tx, judging, self.now):
            self.entries += told
            self.rows[row.id] = pair_plans.planned(row, found, ways[row.id], held=row.id in self._held)

    def _exists(self, id: int, side: SideName, *, there: bool) -> None:
        """R22: the pair outlives the record."""
        row, ended = self.rows[id], f"ended_{side}"
        if not there and row.state in ("linked", f"ended_{other(side)}"):
            self.rows[id] = replace(row, state=ended, happened=(*row.happened, ended))
        elif there and row.state == ended:
            self.rows[id] = replace(row, state="linked", happened=(*row.happened, "linked"))

    async def _ask_survivors(self, tx: DbConnection, states: Mapping[Key, RecordState]) -> None:
        """R22: the counterpart is gone, so whatever is told of a survivor is a question and never a create."""
        alone = {id: self._side(one) for one, id in self._at.items() if self.rows[id].gone == other(self._side(one))}
        if not alone:
            return
        answers = await pair_questions.answers_of(tx, list(alone))
        unasked = alone.keys() - await pair_questions.proposed(tx, list(alone))
        asked = [(id, {"": Question(None, None)}) for id in sorted(unasked) if "" not in answers.get(id, {})]
        await pair_questions.ask(tx, asked, "gone", self.now)
        for id, side in alone.items():
            answer = answers.get(id, {}).get("")
            if answer is not None and answer.winner == side:
                self.rows[id] = pair_births.alone_again(self.rows[id], other(side))
                self._anew.add(id)

    async def _hold_behind_creates(self, tx: DbConnection, states: Mapping[Key, RecordState]) -> None:
        """R21: an open create is settled before anything else: what is seen meanwhile may be its own, and would be made once more here."""
        alone = {
            id: one
            for one, id in self._at.items()
            if pair_plans.is_unwanted(self.rows[id]) and id not in self._held and not states[one.key].deleted
        }
        if not alone:
            return
        behind = await pair_births.behind_creates(tx, alone)
        self._held |= dict.fromkeys(behind, SkipReason.CREATE_OPEN)
        again = {
            (one.sync, self._ways[one].forward.name, self._side(one), one.key.record)
            for one in (alone[id] for id in behind)
        }
        await match_values.again(tx, again)

    # --- the wishes

    def wish(self, leg: Leg, key: Key, wish: DesiredDocument) -> DesiredDocument:
        """What the leg wants beyond the pair. R15: the merged fields are in the pair and change with it, so no wish repeats them."""
        one = LegRecord(leg.sync, leg.name, key)
        if one not in self._at or wish.wish != "present":
            return wish
        row, side = self.rows[self._at[one]], self._side(one)
        if (reason := self._held.get(row.id)) is not None:
            return DesiredDocument("keep", {}, reason)
        if row.gone == other(side):
            return DesiredDocument("keep", {}, SkipReason.NOT_AT_TARGET)
        if not row.whole:
            return wish
        ways = self._ways[one]
        stays = {ways.mirror.path(other(side), at) for at in ways.mirror.paths}
        if one in self._births.apart:
            # People have moved its counterpart: whom that one belongs to is their word, and nobody takes it back.
            stays |= ways.names_parent(leg)
        return replace(wish, document={path: value for path, value in wish.document.items() if path not in stays})

    def waits(self, leg: Leg, key: Key) -> SkipReason | None:
        """What has to be known before anything is wanted of the record at all."""
        id = self._at.get(LegRecord(leg.sync, leg.name, key))
        reason = self._held.get(id) if id is not None else None
        return reason if reason in _NOT_YET else None

    def matched(self, leg: Leg, key: Key, wish: DesiredDocument) -> Matched:
        """Of a record that has met its counterpart by a rule, or by hand, before it was ever wanted: whether there is anything to write."""
        one = LegRecord(leg.sync, leg.name, key)
        row = self.rows[self._at[one]] if one in self._births.ways and one in self._at else None
        if row is None or not row.whole or wish.wish == "keep":
            return None
        is_idle = wish.wish == "present" and not wish.document and not row.plan(leg.writes).parts
        return "alike" if is_idle else "differs"

    def is_due(self, leg: Leg, key: Key) -> bool:
        """Whether the pair has something for the side that this leg writes, and no writer has been called for it."""
        id = self._at.get(LegRecord(leg.sync, leg.name, key))
        return id is not None and not self.rows[id].plan(leg.writes).raised

    def raised(self, leg: Leg, key: Key) -> None:
        """A writer comes for it."""
        id = self._at.get(LegRecord(leg.sync, leg.name, key))
        if id is not None:
            row = self.rows[id]
            self.rows[id] = row.with_plan(leg.writes, replace(row.plan(leg.writes), raised=True))

    async def store(self, tx: DbConnection) -> None:
        """Stores the pairs. What is due to a side whose record was not in this transaction is owed (`pair_settling.py`)."""
        owed = {
            id: any(not row.plan(side).raised or row.pair.side(side).doubtful for side in SIDES)
            for id, row in self.rows.items()
        }
        owed |= dict.fromkeys(self.untold(), True)
        await pair_births.forget(tx, self._making.merged if self._making is not None else ())
        await rows.store(tx, [replace(row, owed=owed[id]) for id, row in self.rows.items()], self.now)
        if self._anew:
            # The answer was carried out.
            await tx.execute(
                "delete from flow.pair_question where field = '' and pair = any($1::bigint[])", list(self._anew)
            )

    def untold(self) -> Iterator[int]:
        """R23: pairs that are linked since somebody was told last, where others may wait for that."""
        linked = self._making.linked if self._making is not None else ()
        for one, id in self._at.items():
            row, ways = self.rows[id], self._ways[one]
            is_new = row.owed and row.state == "linked" and id not in self.told
            if is_new and (id in linked or any(legs_under(self.configuration, ways.forward))):
                yield id

    def doubtful(self) -> Iterator[tuple[Key, datetime]]:
        """R16: the records of which a settled read has to say what they are, and the stamp that it has to be later than."""
        for one, id in self._at.items():
            for side in SIDES:
                known, end = self.rows[id].pair.side(side), self.rows[id].end(side)
                if known.doubtful and end.id:
                    yield (
                        Key(*self._ways[one].source(side), RecordId(end.id)),
                        known.version.stamp if known.version else self.now,
                    )


def _deleted(state: RecordState, ways: TwoWays, side: SideName) -> bool:
    leg = ways.forward if side == "left" else ways.back
    return state.deleted or not leg.takes(state.place)
