"""Who would be whose counterpart, for a preview: the rules of each leg held against both sides as they are known (decision 71).

Pure: records that were read, or the beginning of a list, come in, and who is linked already. Nothing is locked, asked or stored. It is what
the mapper decides at a birth (`matching.py`), for everybody at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from common.contracts.ids import Entity, RecordId, SyncId
from common.contracts.matching import MatchRule, matching_legs, parent_of, rules_of
from common.contracts.messages import Version
from common.contracts.syncs import Leg, Sync
from common.pairs.merging import SIDES, Policy, SideName, other
from common.pairs.pair import Pair, judged, seen
from common.pairs.sides import Observation
from common.state.configuration import Configuration
from common.state.match_values import HERE
from mapper import match_index
from mapper.mappings import Mappings
from mapper.matching import Asked, Known, Match, Partner, Sharing, Standing, decide
from mapper.state import RecordState
from mapper.state_rows import Key
from mapper.two_ways import TwoWays, ways_of

Links = Mapping[tuple[Entity, SideName], Mapping[str, str]]
"""By a forward leg's name and a side: who of it is linked already, and with whom."""


@dataclass(slots=True)
class LegMatches:
    """What the rules say of one leg's records of both sides."""

    linked: dict[SideName, dict[str, str]] = field(default_factory=lambda: {side: {} for side in SIDES})
    """Already, or by a rule: with whom."""
    asked: dict[SideName, set[str]] = field(default_factory=lambda: {side: set() for side in SIDES})
    """A person has to say who they are."""
    alone: dict[SideName, set[str]] = field(default_factory=lambda: {side: set() for side in SIDES})
    """A counterpart is made."""
    before: dict[SideName, dict[str, str]] = field(default_factory=lambda: {side: {} for side in SIDES})
    """Who is linked already."""
    back: str = ""
    """The leg that leads back."""
    writes: dict[SideName, set[str]] = field(default_factory=lambda: {side: set() for side in SIDES})
    """Of those whom a rule links, whose counterpart on the other side is not as it will be."""

    def counts(self) -> dict[str, int]:
        """For people: links, questions, and whom the other side gets."""
        return {
            "linked": len(self.before["left"]),
            "matched": len(self.linked["left"]) - len(self.before["left"]),
            "asked_left": len(self.asked["left"]),
            "asked_right": len(self.asked["right"]),
            "new_right": len(self.alone["left"]),
            "new_left": len(self.alone["right"]),
        }


def matches(
    configuration: Configuration, mappings: Mappings, sync: Sync, states: Mapping[Key, RecordState], links: Links
) -> dict[Entity, LegMatches]:
    """By the forward legs' names; parents before those who belong to them."""
    values = _Values.of(configuration, mappings, sync.id, states)
    found = dict[Entity, LegMatches]()
    legs = [leg for leg, _ in matching_legs(sync)]
    for leg, back in sorted(matching_legs(sync), key=lambda both: parent_of(both[0]) is not None):
        its = _Leg(leg, values, links, found, legs).matches()
        its.back = back.name
        ways = ways_of(configuration, mappings, leg)
        if ways is not None:
            _compare(its, ways, states)
        found[leg.name] = its
    return found


def _compare(found: LegMatches, ways: TwoWays, states: Mapping[Key, RecordState]) -> None:
    """What the first judgement of those would write that a rule links, by what is known of both."""
    for left, right in found.linked["left"].items():
        if left in found.before["left"]:
            continue
        pair = Pair()
        for side, id in zip(SIDES, (left, right), strict=True):
            state = states[Key(*ways.source(side), RecordId(id))]
            seen_at = Version.of_sequence(state.sequence)
            values = ways.mirror.values(side, state.record(), whole=True)
            pair = seen(pair, side, Observation(seen_at.stamp, True, values))
        judgement = judged(pair, Policy(ways.rules), ways.mirror.translate)
        for side, id in zip(SIDES, (left, right), strict=True):
            if judgement.writes(other(side)):
                found.writes[side].add(id)


@dataclass(slots=True)
class _Values:
    """Who is in a leg, whom they belong to, and who has which value."""

    here: dict[tuple[Entity, SideName], dict[str, str]]
    holders: dict[tuple[Entity, SideName, str, str], set[str]]
    told: dict[tuple[Entity, SideName, str], set[tuple[str, str]]]

    @classmethod
    def of(
        cls, configuration: Configuration, mappings: Mappings, sync: SyncId, states: Mapping[Key, RecordState]
    ) -> _Values:
        values = cls(defaultdict(dict), defaultdict(set), defaultdict(set))
        for one in match_index.all_told(configuration, mappings, states)[1]:
            by = one.by
            if by.sync != sync:
                continue
            if one.rule == HERE:
                values.here[by.leg, by.side][one.record] = one.value
            else:
                values.holders[by.leg, by.side, one.rule, one.value].add(one.record)
                values.told[by.leg, by.side, one.record].add((one.rule, one.value))
        return values


@dataclass(frozen=True, slots=True)
class _Leg:
    leg: Leg
    values: _Values
    links: Links
    parents: Mapping[Entity, LegMatches]
    legs: Sequence[Leg]

    def matches(self) -> LegMatches:
        found, rules = LegMatches(), rules_of(self.leg)
        for side in SIDES:
            its = self.values.here.get((self.leg.name, side), {})
            found.before[side] = {one: there for one, there in self._linked(side).items() if one in its}
            found.linked[side] = dict(found.before[side])
        for side in SIDES:
            for record in self.values.here.get((self.leg.name, side), {}):
                if record not in found.linked[side]:
                    self._decide(found, side, record, rules)
        return found

    def _decide(self, found: LegMatches, side: SideName, record: str, rules: tuple[MatchRule, ...]) -> None:
        sharing = {rule.name: self._sharing(rule, side, record) for rule in rules}
        told = any(
            match_index.counts(rule, side) and rule.name == name
            for rule in rules
            for name, _ in self.values.told.get((self.leg.name, side, record), ())
        )
        # Whoever is known before the sync has begun is older than it.
        known = Known(sharing, old=True, told=told, elsewhere=tuple(self._elsewhere(side, record)))
        match decide(record, side, known, rules, lambda where, id: _standing(self._linked(where), id)):
            case Match() as one:
                found.linked[side][record], found.linked[other(side)][one.id] = one.id, record
            case Asked():
                found.asked[side].add(record)
            case _:
                found.alone[side].add(record)

    def _elsewhere(self, side: SideName, record: str) -> Iterator[Partner]:
        """As `match_elsewhere.py`: with whom it is linked through a leg that it has left, unless that one goes under it in this leg."""
        own, there = _ends(self.leg), other(side)
        under = {_ends(one)[there] for one in self.legs if (of := parent_of(one)) and of.leg == self.leg.name}
        for leg in self.legs:
            ends, linked = _ends(leg), self.links.get((leg.name, side), {})
            is_other = ends[side] == own[side] and ends[there] != own[there] and ends[there] not in under
            if is_other and record in linked and record not in self.values.here.get((leg.name, side), {}):
                yield Partner(ends[there][0], linked[record])

    def _linked(self, side: SideName) -> Mapping[str, str]:
        return self.links.get((self.leg.name, side), {})

    def _sharing(self, rule: MatchRule, side: SideName, record: str) -> Sharing:
        mine = self._holding(rule, side, record)
        if not rule.through or len(mine.theirs) != 1:
            return mine
        # Several values of one: both have to see each other alone.
        (candidate,) = mine.theirs
        there = self._holding(rule, other(side), candidate)
        return Sharing(mine.ours | there.theirs, mine.theirs | there.ours, mine.values)

    def _holding(self, rule: MatchRule, side: SideName, record: str) -> Sharing:
        name = self.leg.name
        values = {value for one, value in self.values.told.get((name, side, record), ()) if one == rule.name}
        ours, theirs = (
            frozenset(
                one
                for value in values
                for one in self.values.holders.get((name, where, rule.name, value), ())
                if one in self.values.here.get((name, where), {}) and self._is_family(side, record, where, one)
            )
            for where in (side, other(side))
        )
        return Sharing(ours, theirs, frozenset(values))

    def _is_family(self, side: SideName, record: str, where: SideName, one: str) -> bool:
        """Records that belong to others are matched among those of the two that are one; of a parent that is new, with nobody."""
        parent = parent_of(self.leg)
        if parent is None:
            return True
        here = self.values.here
        mine, its = here[self.leg.name, side].get(record, ""), here[self.leg.name, where].get(one, "")
        if where == side:
            return mine == its
        matched = self.parents.get(parent.leg)
        return matched is not None and matched.linked[side].get(mine) == its


def _ends(leg: Leg) -> Mapping[SideName, tuple[Entity, str]]:
    return {"left": (leg.source_entity, leg.source_place), "right": (leg.target_entity, leg.target_place)}


def _standing(linked: Mapping[str, str], id: str) -> Standing:
    return "taken" if id in linked else "free"
