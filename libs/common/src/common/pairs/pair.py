"""A linked pair: one thing in two systems, judged under one lock in either direction (R15).

Pure: what was seen, what was written and what a person answered come in; the next pair comes out, with what each side shall get, what
has to be asked and what the journal has to tell. A write is `begun` before the call and has one end: answered, refused, or looked at after
the horizon. In between nothing of its fields is decided (R16).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from common.pairs.merging import NOWHERE, SIDES, Current, Merged, Overridden, Policy, SideName, merge3, other
from common.pairs.sides import Observation, Part, Side, Span, StateVersion, observed, take, with_half, with_span

Translate = Callable[[SideName, Mapping[str, Any]], Mapping[str, Any]]
"""What the other side would have, by the mapping, if this side had these values."""
Tells = Literal["values", "author", "nothing"]
"""R18: what an answer to a write tells: what the fields became; its stamp, and a later read who wrote last; its stamp alone."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What is known of both sides."""

    left: Side = field(default_factory=Side)
    right: Side = field(default_factory=Side)
    told: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    """The two values of each field of which the journal has told who lost."""

    def side(self, name: SideName) -> Side:
        return self.left if name == "left" else self.right

    def with_side(self, name: SideName, side: Side) -> Pair:
        return replace(self, left=side) if name == "left" else replace(self, right=side)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is to be done, as far as it is known now."""

    pair: Pair
    merged: Merged
    free: frozenset[str] = frozenset()
    """The fields that were judged; of the others nothing is known yet (R16)."""
    overridden: tuple[Overridden, ...] = ()
    """For the journal, each once."""

    def writes(self, name: SideName) -> dict[str, Part]:
        """What a write to this side would carry now."""
        side, partner = self.pair.side(name), self.pair.side(other(name))
        wanted = self.merged.to_left if name == "left" else self.merged.to_right
        return {
            at: Part(value, side.seen.get(at), partner.seen.get(at), restores=at in side.overwritten)
            for at, value in wanted.items()
            if side.seen.get(at) != value
        }


def seen(pair: Pair, name: SideName, what: Observation) -> Pair:
    """A side was observed."""
    return pair.with_side(name, observed(pair.side(name), what))


def first_writes(pair: Pair, name: SideName, translate: Translate) -> dict[str, Part]:
    """What a create at this side carries: the record is at the other side only, and there is nothing to be merged with."""
    partner = pair.side(other(name)).seen
    return {
        at: Part(value, None, partner[at]) for at, value in translate(other(name), partner).items() if at in partner
    }


def begun(pair: Pair, name: SideName, parts: Mapping[str, Part]) -> Pair:
    """A write to this side is about to be sent; stored before the call (R3)."""
    side = pair.side(name)
    if side.write is not None:
        raise ValueError("a write to this side is open")
    return pair.with_side(name, replace(side, write=dict(parts)))


def answered(
    pair: Pair, name: SideName, stamp: datetime, became: Mapping[str, Any], tells: Tells, author: str = ""
) -> Pair:
    """The side has applied our write. R18: what it became is told by the answer, or by a settled read that is asked for."""
    pair = pair.with_side(name, replace(pair.side(name), author=author or pair.side(name).author))
    parts = pair.side(name).write or {}
    if tells == "values":
        pair = _close(pair, name, parts, stamp, became, stamp)
        return _opened(pair, name, Observation(stamp, False, {**became}, by_us=True))
    pair = _close(pair, name, parts, stamp, {}, stamp)
    unsure = dict(parts) if tells == "author" else {}
    return _opened(pair.with_side(name, replace(pair.side(name), doubtful=True, unsure=unsure)), name)


def refused(pair: Pair, name: SideName, *, outdated: bool = False) -> Pair:
    """Nothing was written; `outdated`: by a vendor that compares, so a settled read has to say what is there."""
    side = pair.side(name)
    return _opened(pair.with_side(name, replace(side, doubtful=side.doubtful or outdated)), name)


def looked(pair: Pair, name: SideName, what: Observation) -> Pair:
    """After the horizon a settled read says whether an outcome that nobody saw was applied (R2). It changes what is known, and agrees to
    nothing but what has landed (R15)."""
    side = pair.side(name)
    newer = what.by_us and (side.version is None or what.stamp > side.version.stamp)
    landed = {at: p for at, p in (side.write or {}).items() if newer or what.values.get(at) == p.sent}
    since = side.version.stamp if side.version else what.stamp
    pair = _close(pair, name, landed, what.stamp, what.values, since)
    return _opened(pair.with_side(name, replace(pair.side(name), version=side.version)), name, what)


def _close(
    pair: Pair, name: SideName, parts: Mapping[str, Part], stamp: datetime, got: Mapping[str, Any], since: datetime
) -> Pair:
    """R15: what the side has now, and the value that was planned from, are what both have agreed on."""
    side, partner = pair.side(name), pair.side(other(name))
    for at, part in parts.items():
        value = got.get(at, part.sent)
        span = Span(since, stamp, value, "carried" if part.restores else "planned")
        side = replace(
            side, seen={**side.seen, at: value}, lines={**side.lines, at: with_span(side.lines.get(at, ()), span)}
        )
        if part.restores:
            lost = side.overwritten.get(at)
            if lost is not None and lost.value == part.sent:
                side = replace(side, overwritten={n: one for n, one in side.overwritten.items() if n != at})
            continue
        side = with_half(side, at, part, value)
        partner = replace(partner, agreed={**partner.agreed, at: part.partner}, unexplained=partner.unexplained - {at})
    version = StateVersion(stamp, False)
    side = replace(side, version=max(side.version, version) if side.version else version)
    return pair.with_side(name, side).with_side(other(name), partner)


def _opened(pair: Pair, name: SideName, *more: Observation) -> Pair:
    """R16: the write is over; what waited is merged now, oldest first."""
    side = pair.side(name)
    waited = sorted(side.waiting, key=lambda one: (one.stamp, one.settled))
    side = replace(side, write=None, waiting=())
    for one in (*more, *waited):
        side = take(side, one)
    return pair.with_side(name, side)


# --- the judgement ---------------------------------------------------------------------------------------------------------


def judged(pair: Pair, policy: Policy, translate: Translate) -> Judgement:
    """What both sides shall have. Agreements, and edits that have lost, are settled here; the rest is to be written or asked."""
    told: list[Overridden] = []
    for name in SIDES:
        side = pair.side(name)
        told += [Overridden(at, name, value, "later_edit") for at, value in side.outdated]
        pair = pair.with_side(name, replace(side, outdated=()))
    while True:
        merged = _merged(pair, policy, translate)
        after = _settle(pair, merged, told)
        if after == pair:
            return Judgement(pair, merged, frozenset(_free(pair)), tuple(told))
        pair = after


def _merged(pair: Pair, policy: Policy, translate: Translate) -> Merged:
    free = _free(pair)
    left, right = (_currents(pair.side(name), name, free, translate) for name in SIDES)
    both = {
        at: (pair.left.agreed[at], pair.right.agreed[at]) for at in pair.left.agreed.keys() & pair.right.agreed.keys()
    }
    return merge3(both, left, right, policy)


def _free(pair: Pair) -> set[str]:
    """R16: nothing is judged while a settled read is asked for, and no field that an open write carries."""
    if pair.left.doubtful or pair.right.doubtful:
        return set()
    open_ones = {*(pair.left.write or {}), *(pair.right.write or {})}
    return set(pair.left.seen.keys() & pair.right.seen.keys()) - open_ones


def _currents(side: Side, name: SideName, free: set[str], translate: Translate) -> dict[str, Current]:
    values = {**side.seen, **{at: one.value for at, one in side.overwritten.items()}}
    there = translate(name, values)
    return {at: _current(side, at, values[at], there.get(at, NOWHERE)) for at in free}


def _current(side: Side, at: str, own: Any, there: Any) -> Current:
    lost = side.overwritten.get(at)
    if lost is not None:
        return Current(own, there, lost.stamp, overwritten=True, clashes=lost.clashes)
    theirs = [span.until for span in side.lines.get(at, ()) if not span.ours]
    return Current(own, there, theirs[-1] if theirs else None, unexplained=at in side.unexplained)


def alike_agreed(pair: Pair, translate: Translate) -> Pair:
    """R15: what both sides say the same of is agreed before more is seen of either: else the next edit of one of them would find no
    agreement, and would be held to be made against an edit of the other that nobody has made."""
    rescued = pair.left.overwritten.keys() | pair.right.overwritten.keys()
    for at in _merged(pair, Policy(), translate).agreed:
        if at not in rescued:
            pair = _agree(pair, at)
    return pair


def _settle(pair: Pair, merged: Merged, told: list[Overridden]) -> Pair:
    for at in merged.agreed:
        pair = _agree(pair, at)
    for lost in merged.overridden:
        both = (pair.left.seen.get(lost.field), pair.right.seen.get(lost.field))
        side = pair.side(lost.side)
        rest = {n: one for n, one in side.overwritten.items() if n != lost.field}
        if pair.told.get(lost.field) != both or rest != side.overwritten:
            told.append(lost)
        pair = replace(pair.with_side(lost.side, replace(side, overwritten=rest)), told={**pair.told, lost.field: both})
    return pair


def _agree(pair: Pair, at: str) -> Pair:
    """R15: both say the same. What was overwritten needs no rescue then, and without it what both have now is compared once more."""
    if at in pair.left.overwritten or at in pair.right.overwritten:
        for name in SIDES:
            side = pair.side(name)
            rest = {n: one for n, one in side.overwritten.items() if n != at}
            pair = pair.with_side(name, replace(side, overwritten=rest))
        return pair
    for name in SIDES:
        side = pair.side(name)
        pair = pair.with_side(
            name, replace(side, agreed={**side.agreed, at: side.seen[at]}, unexplained=side.unexplained - {at})
        )
    return replace(pair, told={n: both for n, both in pair.told.items() if n != at})
