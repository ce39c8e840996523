"""Records without a counterpart, matched in the transaction that judges them: before any of them is written, and without a call (decision 69).

In: the records of legs that lead both ways and have rules. Out: for each of them a link, a question, or nothing, stored with the caller's
commit. Whoever looks for counterparts holds the lock of the sync, so of two batches that tell of both ends of one thing one comes after the
other. Locks, in this order: states, the syncs' lock, pairs by their ids, those of candidates included.

A batch costs as many statements for one record as for five hundred.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from common.contracts.ids import Entity, RecordId, SyncId
from common.contracts.matching import Parent, matching_legs, parent_of, rules_of, versions_of
from common.contracts.outcomes import SkipReason
from common.contracts.syncs import Leg
from common.pairs.merging import SIDES, SideName, other
from common.state import match_values
from common.state.configuration import Configuration
from common.state.match_values import Ready, Sought
from common.state.pairs import PairEnd
from common.state.pool import DbConnection
from mapper.mappings import Mappings, target_of
from mapper.match_elsewhere import Birth, Legs, OtherLegs, apart
from mapper.match_index import counts, in_leg, parent_id
from mapper.matching import Known, Sharing
from mapper.state import RecordState
from mapper.state_rows import Key
from mapper.two_ways import LegRecord, TwoWays, side_of, ways_of


@dataclass(slots=True)
class Births:
    """What is known of one transaction's records that have no counterpart."""

    ways: Mapping[LegRecord, TwoWays] = field(default_factory=dict)
    known: dict[LegRecord, Known] = field(default_factory=dict)
    held: dict[LegRecord, SkipReason] = field(default_factory=dict)
    """Of whom nothing is decided yet."""
    apart: set[LegRecord] = field(default_factory=set)
    """Those whose counterpart belongs to somebody else than they do."""

    @classmethod
    async def of(
        cls,
        tx: DbConnection,
        configuration: Configuration,
        mappings: Mappings,
        ways: Mapping[LegRecord, TwoWays],
        states: Mapping[Key, RecordState],
    ) -> Births:
        """Holds the syncs' lock where anybody has no counterpart."""
        its = {one: way for one, way in ways.items() if rules_of(way.forward)}
        births = cls(its)
        if not its:
            return births
        ready = await match_values.ready(tx, {one.sync for one in its})
        births._hold_unready(ready)
        legs = Legs(configuration, mappings)
        alone = await births._alone(tx, legs, states)
        if alone:
            await match_values.alone(tx, {one.sync for one in alone})
            await births._know(tx, legs, alone, states, ready)
        return births

    def candidates(self) -> Iterator[PairEnd]:
        """Whoever shares a value with one of these; their pairs are locked with the records' own."""
        for one, known in self.known.items():
            ways, side = self.ways[one], side_of(one, self.ways[one])
            for sharing in known.sharing.values():
                yield from (ways.end(side, id) for id in sharing.ours)
                yield from (ways.end(other(side), id) for id in sharing.theirs)
            if known.heir is not None:
                yield ways.end(other(side), known.heir.id)

    def _hold_unready(self, ready: Mapping[tuple[SyncId, Entity], Ready]) -> None:
        for one, ways in self.ways.items():
            its = ready.get((one.sync, ways.forward.name))
            if its is None or its.versions != versions_of(ways.forward, ways.back):
                self.held[one] = SkipReason.SIDES_UNREAD

    async def _alone(self, tx: DbConnection, legs: Legs, states: Mapping[Key, RecordState]) -> list[LegRecord]:
        """Those of whom a counterpart is to be found."""
        listed = [
            one
            for one, ways in self.ways.items()
            if one not in self.held and _is_in(legs.configuration, legs.mappings, one, ways, states[one.key])
        ]
        if not listed:
            return []
        found = await match_values.counterparts(tx, [self._ends(one) for one in listed])
        paired = {one: found[at] for at, one in enumerate(listed) if at in found}
        self.apart = await apart(
            tx, legs, [(one, self.ways[one], there, parent_id(self.ways[one].forward, states[one.key])) for one, there in paired.items()]
        )  # fmt: skip
        return [one for one in listed if one not in paired]

    def _ends(self, one: LegRecord) -> tuple[SideName, PairEnd, PairEnd]:
        ways, side = self.ways[one], side_of(one, self.ways[one])
        return side, ways.end(side, one.key.record), ways.ends[other(side)]

    async def _know(
        self,
        tx: DbConnection,
        legs: Legs,
        alone: Sequence[LegRecord],
        states: Mapping[Key, RecordState],
        ready: Mapping[tuple[SyncId, Entity], Ready],
    ) -> None:
        parents = await self._parents(tx, legs.configuration, legs.mappings, alone, states)
        sought = [one for one in alone if one not in self.held]
        if not sought:
            return
        found = await _sharing(tx, [self._sought(one, parents.get(one)) for one in sought])
        for at, one in enumerate(sought):
            ways = self.ways[one]
            side, rules = side_of(one, ways), rules_of(ways.forward)
            told = any(found[at].get(rule.name) for rule in rules if counts(rule, side))
            first, since = states[one.key].first_at, ready[one.sync, ways.forward.name].since
            self.known[one] = Known(found[at], first is not None and first <= since, told, first)
        await self._look_back(tx, sought, parents)
        births = [Birth(one, self.ways[one], parents.get(one), self._candidates(one)) for one in sought]
        elsewhere = await OtherLegs.of(tx, legs, births)
        self.known = {one: elsewhere.known(one, known) for one, known in self.known.items()}
        for one in elsewhere.busy:
            # Whoever has made it for the other leg is heard of in a moment; who this is can be said then.
            self.held[one] = SkipReason.MATCH_ASKED
            del self.known[one]

    def _candidates(self, one: LegRecord) -> frozenset[str]:
        return frozenset(id for sharing in self.known[one].sharing.values() for id in sharing.theirs)

    async def _look_back(
        self, tx: DbConnection, sought: Sequence[LegRecord], parents: Mapping[LegRecord, tuple[str, str]]
    ) -> None:
        """A rule with several values may name one for us of whom it names several: both have to see each other alone."""
        seen = list[tuple[LegRecord, Sought, str]]()
        for one in sought:
            ways, side = self.ways[one], side_of(one, self.ways[one])
            for rule in rules_of(ways.forward):
                sharing = self.known[one].sharing.get(rule.name)
                if rule.through and sharing is not None and len(sharing.theirs) == 1:
                    (id,) = sharing.theirs
                    asked = self._sought(one, parents.get(one))._replace(side=other(side), record=RecordId(id))
                    seen.append((one, asked, rule.name))
        if not seen:
            return
        found = await _sharing(tx, [asked for _, asked, _ in seen])
        for at, (one, _, rule_name) in enumerate(seen):
            there = found[at].get(rule_name, Sharing())
            mine = self.known[one].sharing[rule_name]
            # Whom else the candidate would be matched with is one more of ours, and the other way round.
            both = Sharing(mine.ours | there.theirs, mine.theirs | there.ours, mine.values)
            self.known[one] = replace(self.known[one], sharing={**self.known[one].sharing, rule_name: both})

    def _sought(self, one: LegRecord, parents: tuple[str, str] | None) -> Sought:
        ways = self.ways[one]
        return Sought(one.sync, ways.forward.name, side_of(one, ways), one.key.record, parents)

    async def _parents(
        self,
        tx: DbConnection,
        configuration: Configuration,
        mappings: Mappings,
        alone: Sequence[LegRecord],
        states: Mapping[Key, RecordState],
    ) -> dict[LegRecord, tuple[str, str]]:
        """R23: records that belong to others are matched among those of that one's counterpart, and wait until there is one."""
        theirs = dict[LegRecord, tuple[SideName, PairEnd, PairEnd]]()
        for one in alone:
            ways, side = self.ways[one], side_of(one, self.ways[one])
            parent = parent_of(ways.forward)
            if parent is None:
                continue
            over = _parent_ways(configuration, mappings, one.sync, parent)
            id = parent_id(ways.forward, states[one.key])
            if over is None or not id:
                self.held[one] = SkipReason.PARENT_AWAITED
                continue
            theirs[one] = side, over.end(side, id), over.ends[other(side)]
        if not theirs:
            return {}
        listed = list(theirs)
        found = await match_values.counterparts(tx, [theirs[one] for one in listed])
        parents = dict[LegRecord, tuple[str, str]]()
        for at, one in enumerate(listed):
            side, own, _ = theirs[one]
            if at not in found:
                self.held[one] = SkipReason.PARENT_AWAITED
            else:
                parents[one] = (own.id, found[at]) if side == "left" else (found[at], own.id)
        return parents


async def _sharing(tx: DbConnection, sought: Sequence[Sought]) -> dict[int, dict[str, Sharing]]:
    """By number of who is looked for and rule."""
    both: dict[tuple[int, str], dict[SideName, set[str]]] = defaultdict(lambda: {"left": set(), "right": set()})
    values: dict[tuple[int, str], set[str]] = defaultdict(set)
    for at, rule, value, side, record in await match_values.shared(tx, sought):
        both[at, rule][side].add(record)
        values[at, rule].add(value)
    found: dict[int, dict[str, Sharing]] = defaultdict(dict)
    for (at, rule), sides in both.items():
        own = sought[at].side
        found[at][rule] = Sharing(frozenset(sides[own]), frozenset(sides[other(own)]), frozenset(values[at, rule]))
    return found


def _is_in(configuration: Configuration, mappings: Mappings, one: LegRecord, ways: TwoWays, state: RecordState) -> bool:
    leg = ways.forward if one.leg == ways.forward.name else ways.back
    target = target_of(configuration, leg)
    mapping = mappings.of(leg, target) if target is not None else None
    return mapping is not None and in_leg(configuration, leg, mapping, state)


def _parent_ways(configuration: Configuration, mappings: Mappings, sync: SyncId, parent: Parent) -> TwoWays | None:
    leg = configuration.leg(sync, parent.leg)
    return ways_of(configuration, mappings, leg) if leg is not None else None


def legs_under(configuration: Configuration, leg: Leg) -> Iterator[tuple[Entity, SideName]]:
    """Forward legs whose records belong to those of this one, and at which sides: also where these are parents by another leg."""
    for name, children in _parent_legs(configuration, leg.sync).items():
        over = configuration.leg(leg.sync, name)
        if over is not None:
            sides = [side for side in SIDES if _kind(over, side) == _kind(leg, side)]
            yield from ((child, side) for child in children for side in sides)


def _kind(leg: Leg, side: SideName) -> tuple[str, str, str]:
    ends = (leg.source, leg.source_place, leg.source_entity), (leg.target, leg.target_place, leg.target_entity)
    return ends[0 if side == "left" else 1]


def _parent_legs(configuration: Configuration, sync: SyncId) -> Mapping[Entity, list[Entity]]:
    """By the forward leg of parents the forward legs of those who belong to them."""
    found: dict[Entity, list[Entity]] = defaultdict(list)
    for forward, _ in matching_legs(configuration.syncs[sync]):
        parent = parent_of(forward)
        if parent is not None:
            found[parent.leg].append(forward.name)
    return found
