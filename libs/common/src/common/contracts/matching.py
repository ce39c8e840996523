"""By what records of a leg that leads both ways are held against each other when they have no counterpart: its option `match`.

A rule names an expression over either side's records; the first that tells exactly one is the link. `through` lets other records say it,
such as contact persons of their company, and `parent` keeps records to the counterpart of whom they belong to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from common.contracts.ids import Entity
from common.contracts.syncs import Leg, Sync

MATCH, PARENT = "match", "parent"
Side = Literal["left", "right"]
SIDES: tuple[Side, Side] = ("left", "right")


@dataclass(frozen=True, slots=True)
class Through:
    """Records that tell it of another one, and their field that names that one."""

    entity: Entity
    by: str


@dataclass(frozen=True, slots=True)
class MatchRule:
    """What the two sides have in common if they are one."""

    left: str
    right: str
    unique: bool = False
    """Whether one that is shared says that somebody has to be asked."""
    through: Mapping[Side, Through] = field(default_factory=dict)

    def read(self, side: Side) -> str:
        """The expression over this side's records, or over those that tell of them."""
        return self.left if side == "left" else self.right

    @property
    def name(self) -> str:
        """For people, and for what is stored of it."""
        tells = " and ".join(f"{self.through[side].entity} ({side})" for side in SIDES if side in self.through)
        return f"{self.left} = {self.right}" + (f", of their {tells}" if tells else "")


@dataclass(frozen=True, slots=True)
class Parent:
    """The leg of the records that a leg's own belong to, and the field that names them."""

    leg: Entity
    by: str


def rules_of(leg: Leg) -> tuple[MatchRule, ...]:
    """The rules of a forward leg; none where it says nothing."""
    given = leg.mapping.options.get(MATCH) if leg.mapping is not None else None
    return tuple(_rule(one) for one in given or ())


def parent_of(leg: Leg) -> Parent | None:
    """To whom the records of a forward leg belong."""
    given = leg.mapping.options.get(PARENT) if leg.mapping is not None else None
    return Parent(Entity(given["leg"]), given["by"]) if given else None


def matching_legs(sync: Sync) -> Iterator[tuple[Leg, Leg]]:
    """Forward legs with rules, each with its way back."""
    for leg in sync.legs.values():
        back = sync.way_back(leg)
        if leg.direction == "forward" and back is not None and back.mapping is not None and rules_of(leg):
            yield leg, back


def versions_of(forward: Leg, back: Leg) -> str:
    """By which mappings both sides are gone through."""
    assert forward.mapping is not None, "it has rules"
    assert back.mapping is not None, "a way back without a mapping is none"
    return f"{forward.mapping.version}/{back.mapping.version}"


def read_first(sync: Sync, forward: Leg, back: Leg) -> list[Leg]:
    """The legs whose sources have to be read before anybody of this one is judged: its own, and of those who tell of its records."""
    told_by = {
        (leg.source, through.entity)
        for rule in rules_of(forward)
        for side, through in rule.through.items()
        for leg in (forward if side == "left" else back,)
    }
    others = [leg for leg in sync.legs.values() if leg.mapping and (leg.source, leg.source_entity) in told_by]
    return [forward, back, *(leg for leg in others if leg not in (forward, back))]


def mistakes(options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong with these options, each with the option's name."""
    given, parent = options.get(MATCH) or [], options.get(PARENT)
    if not (isinstance(given, list) and all(_is_rule(one) for one in given)):
        yield (
            MATCH,
            (
                "The option takes a list of rules such as {left: email, right: email, unique: true}; `through` takes an `entity` and "
                "the field `by` which it names the other, and the `side` where it is only one's."
            ),
        )
    if parent is not None and not _has(parent, {"leg", "by"}):
        yield (
            PARENT,
            "The option takes the name of a forward `leg`, and the field `by` which records name whom they belong to.",
        )
    if parent is not None and not given:
        yield PARENT, "The option says to whom records belong that are matched: `match` has to say by what."


def _is_rule(one: Any) -> bool:
    if not isinstance(one, Mapping) or not one.keys() <= {"left", "right", "unique", "through"}:
        return False
    through = one.get("through")
    told = through is None or (
        isinstance(through, Mapping)
        and _has({at: value for at, value in through.items() if at != "side"}, {"entity", "by"})
        and through.get("side", "left") in SIDES
    )
    return told and _has({at: one.get(at) for at in SIDES}, set(SIDES)) and isinstance(one.get("unique", False), bool)


def _has(given: Any, names: set[str]) -> bool:
    return (
        isinstance(given, Mapping) and given.keys() == names and all(isinstance(v, str) and v for v in given.values())
    )


def _rule(given: Mapping[str, Any]) -> MatchRule:
    through = given.get("through") or {}
    sides = ([through["side"]] if "side" in through else SIDES) if through else ()
    told = {side: Through(Entity(through["entity"]), through["by"]) for side in sides}
    return MatchRule(given["left"], given["right"], bool(given.get("unique")), told)
