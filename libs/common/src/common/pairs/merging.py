"""What two sides shall have, given what both had agreed on: a three-way merge, field by field, pure.

A change on one side goes to the other. The same change on both is agreed. Where both have changed a field to different values its policy
decides: one side by name, the newer edit, or a person (`ask`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, NamedTuple

SideName = Literal["left", "right"]
Rule = Literal["source", "target", "newest", "ask"]
SIDES: tuple[SideName, SideName] = ("left", "right")


NOWHERE: Any = object()
"""What the other side would have of a value that it cannot have in any form."""


def other(side: SideName) -> SideName:
    """The other end of the pair."""
    return "right" if side == "left" else "left"


class Current(NamedTuple):
    """What a side says of one field."""

    own: Any
    """In the side's own spelling."""
    there: Any
    """What the other side would have by the mapping: its spelling, not this one's; or `NOWHERE`."""
    edited_at: datetime | None = None
    """When somebody who was not us last changed it; None: nobody that we know of."""
    overwritten: bool = False
    """R19: an edit that a write of ours has overwritten unseen; the side has something else now."""
    clashes: bool = False
    """R19: it was overwritten by the other side's value, and not by one that our write only carried along."""
    unexplained: bool = False
    """R18: it is what a write of ours became, and in no form that we know."""


class Answer(NamedTuple):
    """What a person said. R20: it holds for the two values it was given for, and for no others."""

    left: Any
    right: Any
    winner: SideName | Literal["keep", "take"]
    """Of a form that nobody knew: each keeps its own, or both take what is shown."""


class Question(NamedTuple):
    """Two values of which a person has to choose one."""

    left: Any
    right: Any


@dataclass(frozen=True, slots=True)
class Policy:
    """How fields are decided that both sides have changed."""

    rules: Mapping[str, Rule] = field(default_factory=dict)
    source: SideName = "left"
    """Which side is the sync's source; without a rule of its own a field is the source's."""
    answers: Mapping[str, Answer] = field(default_factory=dict)


class Overridden(NamedTuple):
    """An edit that lost, and by which rule: the journal tells it."""

    field: str
    side: SideName
    value: Any
    rule: str


@dataclass(frozen=True, slots=True)
class Merged:
    """What each side shall get, in its own spelling, and what has to be asked."""

    to_left: Mapping[str, Any] = field(default_factory=dict)
    to_right: Mapping[str, Any] = field(default_factory=dict)
    asks: Mapping[str, Question] = field(default_factory=dict)
    unexplained: Mapping[str, Question] = field(default_factory=dict)
    """R18: both are in step, and one side shows of our write what no form that we know explains."""
    agreed: tuple[str, ...] = ()
    """Fields of which both sides say the same (R15)."""
    overridden: tuple[Overridden, ...] = ()


def merge3(
    agreed: Mapping[str, tuple[Any, Any]],
    left: Mapping[str, Current],
    right: Mapping[str, Current],
    policy: Policy,
) -> Merged:
    """Merges the fields that both sides have told. A field without an agreement has been changed by both, unless they are alike."""
    merged = Merged({}, {}, {})
    for name in sorted(left.keys() & right.keys()):
        merged = _with_field(merged, name, _Field(name, agreed.get(name), left[name], right[name]), policy)
    return merged


class _Field(NamedTuple):
    name: str
    agreed: tuple[Any, Any] | None
    left: Current
    right: Current

    def of(self, side: SideName) -> Current:
        return self.left if side == "left" else self.right

    def changed(self, side: SideName) -> bool:
        """R15: compared with what this very side had when both agreed; the other's spelling says nothing."""
        current = self.of(side)
        return current.overwritten or self.agreed is None or current.own != self.agreed[side == "right"]

    @property
    def alike(self) -> bool:
        """R18: alike in either side's spelling; two vendors with opposite normal forms would send each other's back for ever."""
        return bool(self.left.there == self.right.own or self.right.there == self.left.own)

    @property
    def clash(self) -> bool:
        return (self.changed("left") and self.changed("right")) or self.left.clashes or self.right.clashes


def _with_field(merged: Merged, name: str, one: _Field, policy: Policy) -> Merged:
    if one.alike:
        return replace(merged, agreed=(*merged.agreed, name))
    if NOWHERE in (one.left.there, one.right.there):
        return _one_way(merged, one)
    if not (one.changed("left") or one.changed("right")):
        return _at_rest(merged, one, policy)
    if not one.clash:
        return _won(merged, one, "left" if one.changed("left") else "right", rule="")
    winner, rule = _winner(one, policy)
    if winner is None:
        return replace(merged, asks={**merged.asks, name: Question(one.left.own, one.right.own)})
    return _won(merged, one, winner, rule=rule)


def _at_rest(merged: Merged, one: _Field, policy: Policy) -> Merged:
    """Each has what it had when both agreed, in its own spelling; whether a form that nobody knows is one is for a person (R18)."""
    shown = next((side for side in SIDES if one.of(side).unexplained), None)
    if shown is None:
        return merged
    answer = _answer(one, policy)
    if answer is not None and answer.winner == "keep":
        return merged
    if answer is not None and answer.winner == "take":
        return _won(merged, one, shown, rule="answered")
    return replace(merged, unexplained={**merged.unexplained, one.name: Question(one.left.own, one.right.own)})


def _one_way(merged: Merged, one: _Field) -> Merged:
    """Only one of the two values can be had on both sides: it goes to the other where it is an edit, and is else left alone."""
    side: SideName = "left" if one.right.there is NOWHERE else "right"
    able = one.of(side).there is not NOWHERE
    return _won(merged, one, side, rule="") if able and one.changed(side) else merged


def _won(merged: Merged, one: _Field, winner: SideName, *, rule: str) -> Merged:
    """The winner's value goes to the other side. R19: one that was overwritten at its own side goes back there first."""
    current = one.of(winner)
    to, value = (winner, current.own) if current.overwritten else (other(winner), current.there)
    lost = (Overridden(one.name, other(winner), one.of(other(winner)).own, rule),) if rule else ()
    merged = replace(merged, overridden=(*merged.overridden, *lost))
    if to == "left":
        return replace(merged, to_left={**merged.to_left, one.name: value})
    return replace(merged, to_right={**merged.to_right, one.name: value})


def _winner(one: _Field, policy: Policy) -> tuple[SideName | None, str]:
    if policy.rules.get(one.name) == "ask":
        answer = _answer(one, policy)
        winner = next((side for side in SIDES if answer is not None and answer.winner == side), None)
        return winner, "answered"
    rule = policy.rules.get(one.name, "source")
    if rule == "newest":
        return _newest(one, policy.source), rule
    return (policy.source if rule == "source" else other(policy.source)), rule


def _answer(one: _Field, policy: Policy) -> Answer | None:
    """R20: an answer to other values is none."""
    answer = policy.answers.get(one.name)
    given = answer is not None and (answer.left, answer.right) == (one.left.own, one.right.own)
    return answer if given else None


def _newest(one: _Field, source: SideName) -> SideName:
    """Of two edits of one moment nobody knows which was later: the source's."""
    mine, theirs = one.of(source).edited_at, one.of(other(source)).edited_at
    later = theirs is not None and (mine is None or theirs > mine)
    return other(source) if later else source
