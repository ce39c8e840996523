"""Who is whose counterpart: what the rules of a leg say of a record that has none, held against everybody who was told (decision 69).

Pure: who shares which value, and who is free, come in; a link, a question, or nothing goes out. The first rule that names exactly one, who
is free and has nobody else on the other side, links. Where several share a value a person is asked; a name is never guessed. R22: a new record
takes the place of one that is gone; one that was there beside it may be what that was merged into, and a person is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, NamedTuple

from common.contracts.matching import MatchRule
from common.pairs.merging import SideName, other

Standing = Literal["free", "taken", "busy", "left_behind"]
"""Without a counterpart; with one; or just being given one. Left behind: its counterpart is gone, and the record that asks was there before
that, so the one may have been merged into the other."""
_FREE = ("free", "left_behind")


@dataclass(frozen=True, slots=True)
class Sharing:
    """Whoever has a value of the record under one rule, itself included."""

    ours: frozenset[str] = frozenset()
    theirs: frozenset[str] = frozenset()
    values: frozenset[str] = frozenset()


class Partner(NamedTuple):
    """With whom a record is paired through a leg of its sync that it has left."""

    entity: str
    id: str


@dataclass(frozen=True, slots=True)
class Heir:
    """The counterpart that the record's parent had while it was alone: it may be this record's now."""

    id: str
    rule: str = ""
    """By which the two have a value in common; empty: nothing says that they are one, nor that they are not."""
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

    kind: Literal["match", "unmatched", "merge"]
    ours: Sequence[str] = ()
    theirs: Sequence[str] = ()
    rule: str = ""
    elsewhere: Sequence[Partner] = ()
    """With whom the record is paired already, in another leg."""

    def side(self, name: SideName, own: SideName) -> Sequence[str]:
        return self.ours if name == own else self.theirs


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one record: by rule's name who shares its values, whether it was there before the sync, and whether it has anything
    that the rules compare."""

    sharing: Mapping[str, Sharing] = field(default_factory=dict)
    old: bool = False
    told: bool = False
    first_at: datetime | None = None
    """When it was told of first."""
    elsewhere: Sequence[Partner] = ()
    """With whom it is paired through legs that it has left."""
    is_at_home: bool = False
    """It belongs to the counterpart of that one now."""
    moved: frozenset[str] = frozenset()
    """Candidates who are paired so themselves, with somebody whom this record does not belong to."""
    heir: Heir | None = None


def decide(
    record: str, side: SideName, known: Known, rules: Sequence[MatchRule], standing: Callable[[SideName, str], Standing]
) -> Match | Asked | None:
    """None: it has no counterpart, and gets one. Whoever has one through a leg that it has left is nobody new."""
    found = _by_rules(record, side, known, rules, standing)
    if known.heir is not None and standing(other(side), known.heir.id) in _FREE:
        return _with_heir(record, found, known.heir)
    if known.elsewhere and not (known.is_at_home and isinstance(found, Match)):
        return replace(_asked(record, found), elsewhere=known.elsewhere)
    return _asked(record, found) if isinstance(found, Match) and found.id in known.moved else found


def _with_heir(record: str, found: Match | Asked | None, heir: Heir) -> Match | Asked:
    if heir.rule and (found is None or (isinstance(found, Match) and found.id == heir.id)):
        return Match(heir.id, heir.rule, heir.values)
    asked = _asked(record, found)
    return replace(asked, theirs=sorted({*asked.theirs, heir.id}))


def _asked(record: str, found: Match | Asked | None) -> Asked:
    match found:
        case Match():
            return Asked("match", (record,), (found.id,), found.rule)
        case Asked(kind="merge"):
            return replace(found, kind="match")
        case Asked(kind="match"):
            return found
        case _:
            return Asked("match", (record,))


def _by_rules(
    record: str, side: SideName, known: Known, rules: Sequence[MatchRule], standing: Callable[[SideName, str], Standing]
) -> Match | Asked | None:
    for rule in rules:
        sharing = known.sharing.get(rule.name, Sharing())
        ours, theirs = sharing.ours | {record}, sharing.theirs
        if not theirs and (len(ours) == 1 or not rule.unique):
            continue
        stand = {one: standing(other(side), one) for one in theirs}
        if "busy" in stand.values() or any(standing(side, one) == "busy" for one in ours - {record}):
            # One of them is being written at this moment, under a lease of the match: whoever comes next finds it there (R21).
            return None
        free = sorted(one for one, standing_of in stand.items() if standing_of in _FREE)
        if len(free) == len(ours) == 1 and (len(theirs) == 1 or not rule.unique):
            if stand[free[0]] == "left_behind":
                return Asked("merge", sorted(ours), free, rule.name)
            return Match(free[0], rule.name, sharing.values)
        if free or rule.unique:
            return Asked("match", sorted(ours), sorted(theirs), rule.name)
    return Asked("unmatched") if known.old and not known.told else None
