"""What is known of one side of a pair, and what an observation of it makes of that: an echo, an edit, or an edit that we overwrote.

Looks, polls, webhooks and answers change what was last *seen*; none of them changes what was *agreed* (R15). A version is (stamp, settled):
vendors stamp by the second, so a state counts as settled only when its second was over as it was read (R10).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from common.pairs.forms import explains


class StateVersion(NamedTuple):
    """How new a state is."""

    stamp: datetime
    settled: bool


class Span(NamedTuple):
    """A field had this value from `since` to `until`, as far as we know; `ours` says how a write of ours came to set it."""

    since: datetime
    until: datetime
    value: Any
    ours: str = ""
    """planned: it was what the write was for; carried: the write only took it along; empty: somebody else."""


class Overwritten(NamedTuple):
    """R19: an edit that stood before a write of ours landed on it, unseen."""

    value: Any
    stamp: datetime
    clashes: bool


class Observation(NamedTuple):
    """A state of the side, from a webhook, a poll, a read or an answer."""

    stamp: datetime
    settled: bool
    values: Mapping[str, Any]
    by_us: bool = False
    """The side names us as the last author."""


class Part(NamedTuple):
    """One write's part for one field."""

    sent: Any
    before: Any
    partner: Any = None
    """The other side's value that it was planned from."""
    restores: bool = False
    """R19: it puts an overwritten edit back; nothing is agreed by that."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side; every value in the side's own spelling."""

    seen: Mapping[str, Any] = field(default_factory=dict)
    agreed: Mapping[str, Any] = field(default_factory=dict)
    version: StateVersion | None = None
    lines: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)
    overwritten: Mapping[str, Overwritten] = field(default_factory=dict)
    doubtful: bool = False
    """R16: a settled read is asked for, and nothing of this side is judged before."""
    unsure: Mapping[str, Part] = field(default_factory=dict)
    """R18: fields written of which the answer did not tell what they became."""
    waiting: tuple[Observation, ...] = ()
    """R16: seen while a write was open, or of a second that cannot be ordered yet."""
    outdated: tuple[tuple[str, Any], ...] = ()
    """R19: edits that came late or were overwritten, and that a later edit of the same side has settled: the journal tells them once."""
    write: Mapping[str, Part] | None = None
    """The open write: sent, and its end is not known."""
    author: str = ""
    """R18: by what name this side calls us, as an answer has told it."""
    unexplained: frozenset[str] = frozenset()
    """R18: fields that show of our write what no form that we know explains."""


def observed(side: Side, seen: Observation) -> Side:
    """The side after an observation. R16: while a write is open it waits for the write's end."""
    if side.write is not None:
        return _wait(side, seen)
    return take(side, seen)


def take(side: Side, seen: Observation) -> Side:
    """One observation of a side on which no write is open."""
    version = StateVersion(seen.stamp, seen.settled)
    # Of one version a list tells less than a read: once it is settled, whatever tells it is right.
    newest = side.version is None or version > side.version or (seen.settled and version == side.version)
    if newest:
        side = _edited(_told_what_it_became(side, seen), seen, version)
        return _settled(side, seen) if seen.settled else side
    assert side.version is not None
    if version == side.version:
        return _tied(side, seen)
    if seen.stamp == side.version.stamp and _tells_more(side, seen):
        return replace(side, doubtful=True)
    for name in seen.values:
        side = _late(side, name, seen)
    return side


def _wait(side: Side, seen: Observation) -> Side:
    if seen in side.waiting:
        return side
    # R16: oldest first, whatever order they came in.
    return replace(side, waiting=tuple(sorted((*side.waiting, seen), key=lambda one: (one.stamp, one.settled))))


def _told_what_it_became(side: Side, seen: Observation) -> Side:
    """R18: a settled read that names us as the last author tells what our write became."""
    if not seen.settled or not side.unsure:
        return side
    assert side.version is not None
    for name, part in side.unsure.items():
        value = seen.values.get(name, part.sent)
        if value == part.sent or not seen.by_us or seen.stamp != side.version.stamp:
            continue
        spans = tuple(
            one._replace(value=value) if one.ours and one.until == seen.stamp else one
            for one in side.lines.get(name, ())
        )
        side = replace(side, seen={**side.seen, name: value}, lines={**side.lines, name: spans})
        if not part.restores:
            side = with_half(side, name, part, value)
    return replace(side, unsure={})


def with_half(side: Side, name: str, part: Part, value: Any) -> Side:
    """R18: what the side has of our write is its half of what both agreed on; a form of it that nobody knows is remembered, to be asked about."""
    known = value == part.sent or explains(part.sent, value, part.before)
    odd = side.unexplained - {name} if known else side.unexplained | {name}
    return replace(side, agreed={**side.agreed, name: value}, unexplained=odd)


def _edited(side: Side, seen: Observation, version: StateVersion) -> Side:
    """Newer than all we know. R17: field by field; what is as we know it is no edit, and everything else is one, whoever wrote last."""
    for name, value in seen.values.items():
        if name in side.seen and side.seen[name] == value:
            continue
        spans = with_span(side.lines.get(name, ()), Span(seen.stamp, seen.stamp, value))
        side = replace(_forget(side, name), seen={**side.seen, name: value}, lines={**side.lines, name: spans})
    return replace(side, version=version)


def _settled(side: Side, seen: Observation) -> Side:
    waited = side.waiting
    side = replace(side, doubtful=False, waiting=())
    for one in waited:
        side = take(side, one)
    return side


def _tied(side: Side, seen: Observation) -> Side:
    """R17: the stamp of what we know and another value: two states of one second cannot be ordered, so a settled read is asked for."""
    if all(
        value == side.seen.get(name) and value in _explained(side.lines.get(name, ()), seen.stamp)
        for name, value in seen.values.items()
    ):
        return side
    return replace(_wait(side, seen), doubtful=True)


def _tells_more(side: Side, seen: Observation) -> bool:
    """A list has told of this second, and not of a field that this changes: only a read says what the second has ended with."""
    return any(
        (name not in side.seen or side.seen[name] != value)
        and not any(one.until >= seen.stamp for one in side.lines.get(name, ()))
        for name, value in seen.values.items()
    )


def _late(side: Side, name: str, seen: Observation) -> Side:
    """R19: seen late, with a value that the known history does not explain: an edit that a write of ours has overwritten."""
    value, spans = seen.values[name], side.lines.get(name, ())
    if value in _explained(spans, seen.stamp):
        return side
    after = [one for one in spans if one.until >= seen.stamp]
    if not after:
        return side
    # Before what is known of the same second: that is what stood at its end.
    known = (*spans[: len(spans) - len(after)], Span(seen.stamp, seen.stamp, value), *after)
    side = replace(side, lines={**side.lines, name: known})
    before = side.overwritten.get(name)
    if all(one.ours for one in after) and (before is None or before.stamp <= seen.stamp):
        lost = Overwritten(value, seen.stamp, after[0].ours == "planned")
        side = _forget(side, name)
        return replace(side, overwritten={**side.overwritten, name: lost})
    return replace(side, outdated=(*side.outdated, (name, value)))


def _forget(side: Side, name: str) -> Side:
    """An overwritten edit that a newer one of the same side has settled."""
    lost = side.overwritten.get(name)
    if lost is None:
        return side
    rest = {other: one for other, one in side.overwritten.items() if other != name}
    return replace(side, overwritten=rest, outdated=(*side.outdated, (name, lost.value)))


def _explained(spans: tuple[Span, ...], at: datetime) -> list[Any]:
    """The values that the field may have had then without anybody unknown having touched it."""
    before = [one for one in spans if one.until < at]
    return [one.value for one in spans if one.since <= at <= one.until] + ([before[-1].value] if before else [])


def with_span(spans: tuple[Span, ...], one: Span) -> tuple[Span, ...]:
    """R19: the history with one more span, in the order of its ends; of one second the order is kept in which they stood, the newest last."""
    if one in spans:
        return spans
    return tuple(sorted((*spans, one), key=lambda span: span.until))


def pruned(side: Side, before: datetime) -> Side:
    """R19: histories are kept as long as webhooks may be late; of what is older, each field's last value."""
    kept = {
        name: tuple(one for one in spans[:-1] if one.until >= before) + spans[-1:] for name, spans in side.lines.items()
    }
    return replace(side, lines=kept)
