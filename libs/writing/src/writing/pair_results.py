"""What a writer's transactions make of pairs: a write begins with its intent, and ends with its answer or its look (R15 to R22).

In: the rows of a transaction that has locked their work items. Out: their pairs, changed. Durable with the caller's commit, so that a pair
knows of an open write exactly as long as its intent is open: a crash between any two of them leaves both as they were.

Nothing is judged here: whoever has the mappings does that next, because the pair is marked as owed. Rows of legs that lead one way have
no pair here, and cost no statement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from common.failures import Failure, FailureClass
from common.journal import Entry, Step
from common.pairs import pair as pairs
from common.pairs.merging import SIDES, SideName, other
from common.pairs.pair import Pair
from common.pairs.sides import Observation, Part
from common.state import awaiting, pair_births
from common.state import pairs as rows
from common.state.awaiting import LinkMade
from common.state.pairs import PairRow, SidePlan
from common.state.pool import DbConnection
from vendors.acts import Act, Done, Verdict, id_of_key, key_of_id
from vendors.target_record import TargetRecord
from writing import journal_entries, paired
from writing.claimed import Claimed
from writing.items import Item, ItemKey, TargetKey
from writing.paired import side_of


@dataclass(slots=True)
class PairResults:
    """The pairs of one transaction."""

    now: datetime
    entries: list[Entry] = field(default_factory=list)
    _rows: dict[int, PairRow] = field(default_factory=dict)
    _of: dict[ItemKey, int] = field(default_factory=dict)
    _merged: list[int] = field(default_factory=list)
    _places: set[int] = field(default_factory=set)
    """Pairs that were made for counterparts of which nothing was heard, and that this transaction takes away again."""
    _linked: list[PairRow] = field(default_factory=list)

    @classmethod
    async def locked(
        cls, tx: DbConnection, items: Sequence[Item], now: datetime, found: Sequence[tuple[Item, str]] = ()
    ) -> PairResults:
        """One statement for all of them; `found` are counterparts whose ids were just learnt."""
        results, its = cls(now), [item for item in items if item.side]
        if its:
            met = [(item, id) for item, id in found if item.side and id]
            results._take(its, await paired.lock(tx, its, met))
            await results._keep_places(tx, its, met)
        return results

    def _take(self, items: Sequence[Item], locked: Sequence[PairRow]) -> None:
        self._rows = {row.id: row for row in locked}
        self._of = {key: row.id for key, row in paired.match(items, locked).items()}

    async def _keep_places(self, tx: DbConnection, items: Sequence[Item], met: Sequence[tuple[Item, str]]) -> None:
        """R21: whom we have just found may be heard of at this very moment, and whoever hears of it makes it a pair. That is before these are
        locked, or it is after they say whose it is; in between nobody does."""
        unheard = paired.strangers(met, list(self._rows.values()))
        if unheard:
            self._places = await pair_births.keep_places(tx, unheard, self.now)
            self._take(items, await paired.lock(tx, items, met))

    # --- a write begins

    def begin(self, row: Claimed, act: Act, attempt: str) -> bool:
        """R15: what is sent is what the pair says now; False where it says something else since the row was taken."""
        item, now = row.item, self._pair(row.item)
        if now is None or row.pair is None:
            return False
        side = side_of(item)
        planned = {now.path(side, at): part.sent for at, part in row.pair.plan(side).parts.items()}
        parts = {at: part for at, part in now.plan(side).parts.items() if now.path(side, at) in act.values}
        due = {now.path(side, at): part.sent for at, part in parts.items()}
        sent = {path: value for path, value in planned.items() if path in act.values}
        # One write at a time: until it has its end, nothing of this side is judged (R16).
        if due != sent or now.pair.side(side).write is not None or id_of_key(item.target_key) != now.end(side).id:
            return False
        if not _is_judged(now, side, act, parts):
            return False
        state = now.state if now.whole else "reserved"
        happened = () if now.state == state else (state,)
        begun = replace(now, pair=pairs.begun(now.pair, side, parts), attempts={**now.attempts, side: attempt})
        self._rows[now.id] = replace(begun, state=state, happened=happened)
        return True

    # --- and ends

    def answered(self, item: Item, attempt: str, verdict: Verdict) -> str:
        """R17, R18: the vendor's stamp, and what the fields became. Returns the id of a counterpart that was made."""
        row = self._pair(item)
        if row is None or (isinstance(verdict, Failure) and verdict.kind is FailureClass.UNKNOWN):
            return ""
        side = side_of(item)
        if row.attempts.get(side) != attempt:
            self._told_late(row, side, verdict)
            return ""
        if not isinstance(verdict, Done):
            outdated = isinstance(verdict, Failure) and verdict.kind is FailureClass.CONFLICT
            self._end(row, side, pairs.refused(row.pair, side, outdated=outdated), again=not outdated)
            return ""
        made = "" if row.whole else verdict.id
        if made and not self._join(item, row, made):
            self._end(row, side, pairs.refused(row.pair, side))
            return ""
        row = self._pair(item) or row
        became = row.named(side, verdict.became)
        all_told = became.keys() >= (row.pair.side(side).write or {}).keys()
        tells: pairs.Tells = "values" if all_told else "author" if verdict.author and verdict.stamp else "nothing"
        stamp = verdict.stamp or self.now
        self._end(row, side, pairs.answered(row.pair, side, stamp, became, tells, verdict.author))
        return made

    def _told_late(self, row: PairRow, side: SideName, verdict: Verdict) -> None:
        """A look has ended this write before; what the answer says was so at its stamp all the same."""
        if isinstance(verdict, Done) and verdict.stamp is not None:
            what = Observation(verdict.stamp, False, row.named(side, verdict.became), by_us=True)
            self._rows[row.id] = replace(row, pair=pairs.seen(row.pair, side, what), owed=True)

    def looked(self, item: Item, attempt: str, seen: TargetRecord, asked_at: datetime, *, landed: bool) -> str:
        """R2: after an outcome that nobody saw. Returns the id of a counterpart that was made."""
        row = self._pair(item)
        if row is None or row.attempts.get(side_of(item)) != attempt:
            return ""
        side = side_of(item)
        if not seen.exists:
            self._end(_ended(row, side) if row.whole else row, side, pairs.refused(row.pair, side), again=not row.whole)
            return ""
        made = seen.id if landed and not row.whole else ""
        if not row.whole and (not made or not self._join(item, row, made)):
            self._end(row, side, pairs.refused(row.pair, side), again=True)
            return ""
        row = self._pair(item) or row
        self._end(row, side, pairs.looked(row.pair, side, _observation(row, side, seen, asked_at)), again=not landed)
        return made

    def not_looked(self, item: Item, attempt: str) -> None:
        """Nobody can look: a settled read has to say what is there."""
        row = self._pair(item)
        if row is not None and row.attempts.get(side_of(item)) == attempt:
            self._end(row, side_of(item), pairs.refused(row.pair, side_of(item), outdated=True))

    def _end(self, row: PairRow, side: SideName, pair: Pair, *, again: bool = False) -> None:
        """What was due is written, and what is due now is judged anew. `again`: nothing was written, so the same is due, and when it is tried
        again is for the work item to say: what a judgement raised anew after each refusal would be sent for ever."""
        attempts = {at: name for at, name in row.attempts.items() if at != side}
        row = replace(row, pair=pair, attempts=attempts, owed=True, state="alone" if not row.whole else row.state)
        self._rows[row.id] = row if again else row.with_plan(side, SidePlan())

    # --- what looks have shown before a write

    def seen(self, row: Claimed, key: str, found: TargetRecord, asked_at: datetime) -> None:
        """Of a linked record: whether it is still there, and what it is. Of another: whom it has met (R21, R22)."""
        pair, side = self._pair(row.item), side_of(row.item)
        if pair is None:
            return
        if not id_of_key(key):
            if found.exists and not pair.whole:
                row.met = "joined" if self._join(row.item, pair, found.id) else "taken"
                pair = self._pair(row.item) or pair
        elif not found.exists:
            pair = replace(_ended(pair, side), owed=True)
        if found.exists and row.met != "taken":
            pair = replace(pair, pair=pairs.seen(pair.pair, side, _observation(pair, side, found, asked_at)), owed=True)
        self._rows[pair.id] = pair

    def _join(self, item: Item, own: PairRow, id: str) -> bool:
        joined = pair_births.join(own, side_of(item), id, self._rows)
        if joined.row is None:
            return False
        if joined.merged is not None:
            self._rows.pop(joined.merged)
            self._merged.append(joined.merged)
        self._rows[joined.row.id] = joined.row
        self._of[item.key] = joined.row.id
        self._linked.append(joined.row)
        self.entries.append(journal_entries.entry(item, Step.LINKED, self.now, reason=item.lane.value))
        return True

    async def write(self, tx: DbConnection) -> None:
        """Stores them all."""
        if not self._rows:
            return
        await pair_births.forget(tx, sorted({*self._merged, *self._places}))
        await rows.store(tx, [row for row in self._rows.values() if row.id not in self._places], self.now)
        # R23: whoever has waited for one of these links goes on, from either side.
        made = [
            LinkMade(own.account, own.entity, own.id, row.end(other(side)).account)
            for row in self._linked
            for side in SIDES
            for own in (row.end(side),)
        ]
        await awaiting.release(tx, made, self.now)

    def _pair(self, item: Item) -> PairRow | None:
        return self._rows.get(self._of[item.key]) if item.key in self._of else None


def known_by_link(known: dict[TargetKey, TargetRecord], item: Item, key: str, id: str) -> None:
    """From now on it is known by its link (R21): its match may be another's tomorrow, and under that nothing of it may be found."""
    if (there := known.pop(item.target(key), None)) and id:
        known[item.target(key_of_id(id))] = there


def _is_judged(row: PairRow, side: SideName, act: Act, parts: Mapping[str, Part]) -> bool:
    """R15: whether the pair's plan knows what is known now. What a look has shown since is judged first, and of what the other side tells
    nothing goes that is not planned: it would be agreed to by nobody, and the next edit would meet it as an edit of this side."""
    own, partner = row.pair.side(side).seen, row.pair.side(other(side)).seen
    if any((part.before, part.partner) != (own.get(at), partner.get(at)) for at, part in parts.items()):
        return False
    return all(at in parts for at in partner if row.path(side, at) in act.values)


def _observation(row: PairRow, side: SideName, seen: TargetRecord, asked_at: datetime) -> Observation:
    """R10: a look settles nothing, because nobody knows whether its second was over."""
    values: Mapping[str, Any] = row.named(side, seen.seen)
    return Observation(seen.stamp or asked_at, False, values)


def _ended(row: PairRow, side: SideName) -> PairRow:
    """R22: the pair outlives its record."""
    return replace(row, state=f"ended_{side}", happened=(f"ended_{side}",))
