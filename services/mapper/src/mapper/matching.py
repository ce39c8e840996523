"""Who is whose counterpart: what the rules of a leg say of a record that has none, held against everybody who was told (decision 69).

Pure: who shares which value, and who is free, come in; a link, a question, or nothing goes out. The first rule that names exactly one, who
is free and has nobody else on the other side, links. Where several share a value a person is asked; a name is never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from common.contracts.matching import MatchRule
from common.pairs.merging import SideName, other

Standing = Literal["free", "taken", "busy"]
"""Without a counterpart; with one; or just being given one."""


@dataclass(frozen=True, slots=True)
class Sharing:
    """Whoever has a value of the record under one rule, itself included."""

    ours: frozenset[str] = frozenset()
    theirs: frozenset[str] = frozenset()
    values: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Match:
    """The two are one."""

    id: str
    rule: str
    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class Asked:
    """A person has to say."""

    kind: Literal["match", "unmatched"]
    ours: Sequence[str] = ()
    theirs: Sequence[str] = ()
    rule: str = ""

    def side(self, name: SideName, own: SideName) -> Sequence[str]:
        return self.ours if name == own else self.theirs


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one record: by rule's name who shares its values, whether it was there before the sync, and whether it has anything
    that the rules compare."""

    sharing: Mapping[str, Sharing] = field(default_factory=dict)
    old: bool = False
    told: bool = False


def decide(
    record: str, side: SideName, known: Known, rules: Sequence[MatchRule], standing: Callable[[SideName, str], Standing]
) -> Match | Asked | None:
    """None: it has no counterpart, and gets one."""
    for rule in rules:
        sharing = known.sharing.get(rule.name, Sharing())
        ours, theirs = sharing.ours | {record}, sharing.theirs
        if not theirs and (len(ours) == 1 or not rule.unique):
            continue
        stand = {one: standing(other(side), one) for one in theirs}
        if "busy" in stand.values() or any(standing(side, one) == "busy" for one in ours - {record}):
            # One of them is being written at this moment, under a lease of the match: whoever comes next finds it there (R21).
            return None
        free = sorted(one for one, standing_of in stand.items() if standing_of == "free")
        if len(free) == len(ours) == 1 and (len(theirs) == 1 or not rule.unique):
            return Match(free[0], rule.name, sharing.values)
        if free or rule.unique:
            return Asked("match", sorted(ours), sorted(theirs), rule.name)
    return Asked("unmatched") if known.old and not known.told else None
