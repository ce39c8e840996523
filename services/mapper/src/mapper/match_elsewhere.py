"""Who is nobody new though a leg knows no counterpart: whoever has one through another leg of the sync, and has left that one for this.

A contact alone gets an account, or loses it; a customer who buys for themselves gets a company. In: records without a counterpart, and their
candidates. Out: with whom they are paired, and whom they may have taken over from the record that they belong to. A leg whose records have
those of the counterpart's kind under them makes no second one, so it is not kept from anything: they find theirs there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from common.contracts.ids import SyncId
from common.contracts.matching import matching_legs, parent_of
from common.pairs.merging import SideName, other
from common.state import match_moves, match_values
from common.state.configuration import Configuration
from common.state.match_moves import LegMember, Placed, ValuePair
from common.state.pairs import PairEnd
from common.state.pool import DbConnection
from mapper.mappings import Mappings
from mapper.matching import Heir, Known, Partner
from mapper.two_ways import LegRecord, TwoWays, side_of, ways_of


class Birth(NamedTuple):
    """A record without a counterpart, whom it belongs to at both sides, and who may be its counterpart."""

    one: LegRecord
    ways: TwoWays
    parents: tuple[str, str] | None
    candidates: frozenset[str]

    @property
    def side(self) -> SideName:
        return side_of(self.one, self.ways)

    def parent(self, side: SideName) -> str:
        """Whom it belongs to at this side; empty where to nobody."""
        return self.parents[0 if side == "left" else 1] if self.parents else ""


@dataclass(slots=True)
class OtherLegs:
    """What other legs know of one transaction's records."""

    partners: dict[LegRecord, list[Partner]] = field(default_factory=lambda: defaultdict(list))
    moved: dict[LegRecord, set[str]] = field(default_factory=lambda: defaultdict(set))
    heirs: dict[LegRecord, Heir] = field(default_factory=dict)
    at_home: set[LegRecord] = field(default_factory=set)
    busy: set[LegRecord] = field(default_factory=set)
    """A counterpart is being made in the other leg at this moment."""

    @classmethod
    async def of(cls, tx: DbConnection, legs: Legs, births: Sequence[Birth]) -> OtherLegs:
        """No statement where no leg of the sync starts from the same records."""
        found = cls()
        asked = [one for birth in births for one in legs.asked(birth)]
        heirs = list[tuple[Birth, TwoWays, str]]()
        for at, partner in (await match_moves.left(tx, [one.what for one in asked])).items():
            found._take(legs, asked[at], partner, heirs)
        await found._compare(tx, heirs)
        return found

    def known(self, one: LegRecord, known: Known) -> Known:
        """The same with what is known here."""
        return replace(
            known, elsewhere=tuple(sorted(self.partners.get(one, ()))), is_at_home=one in self.at_home,
            moved=frozenset(self.moved.get(one, ())), heir=self.heirs.get(one),
        )  # fmt: skip

    def _take(self, legs: Legs, asked: _Asked, partner: str, heirs: list[tuple[Birth, TwoWays, str]]) -> None:
        birth, there = asked.birth, asked.what.there
        match asked.about:
            case "itself" | "parent" if not partner:
                self.busy.add(birth.one)
            case "parent":
                heirs.append((birth, asked.through, partner))
            case "itself":
                self.partners[birth.one].append(Partner(there.entity, partner))
                if legs.is_parent(birth, other(birth.side), there, partner):
                    self.at_home.add(birth.one)
            case _ if not legs.is_parent(birth, birth.side, there, partner):
                self.moved[birth.one].add(asked.what.own.id)

    async def _compare(self, tx: DbConnection, heirs: Sequence[tuple[Birth, TwoWays, str]]) -> None:
        """Of several persons of one customer each is asked about who may be the one, and nobody who has another address."""
        compared = [
            ValuePair(birth.one.sync, birth.ways.forward.name, birth.side, birth.one.key.record, ways.forward.name, id)
            for birth, ways, id in heirs
        ]
        common = await match_moves.in_common(tx, compared)
        for at, (birth, _, id) in enumerate(heirs):
            by_rule = common.get(at, {})
            same = next(((rule, values) for rule, values in sorted(by_rule.items()) if values), None)
            if same is not None:
                self.heirs[birth.one] = Heir(id, *same)
            elif not by_rule:
                self.heirs.setdefault(birth.one, Heir(id))


class _Asked(NamedTuple):
    birth: Birth
    about: Literal["itself", "candidate", "parent"]
    through: TwoWays
    what: LegMember


@dataclass(slots=True)
class Legs:
    """The legs with rules of the syncs in question, as far as both their sides are known."""

    configuration: Configuration
    mappings: Mappings
    _of: dict[SyncId, list[TwoWays]] = field(default_factory=dict)

    def of(self, sync: SyncId) -> Sequence[TwoWays]:
        if sync not in self._of:
            both = matching_legs(self.configuration.syncs[sync])
            found = (ways_of(self.configuration, self.mappings, forward) for forward, _ in both)
            self._of[sync] = [ways for ways in found if ways is not None]
        return self._of[sync]

    def over(self, sync: SyncId, ways: TwoWays) -> TwoWays | None:
        """The leg of those whom records of this one belong to."""
        parent = parent_of(ways.forward)
        return next((one for one in self.of(sync) if parent and one.forward.name == parent.leg), None)

    def is_parent(self, birth: Birth, side: SideName, end: PairEnd, id: str) -> bool:
        """Whether the record belongs to this one."""
        over = self.over(birth.one.sync, birth.ways)
        return over is not None and end[:3] == over.ends[side][:3] and id == birth.parent(side)

    def asked(self, birth: Birth) -> Iterator[_Asked]:
        """In which other legs the record, its candidates, and whom it belongs to may have a counterpart."""
        side, there = birth.side, other(birth.side)
        for ways in self._others(birth, side):
            yield self._one(birth, "itself", ways, side, birth.one.key.record)
        for ways in self._others(birth, there):
            for id in sorted(birth.candidates):
                yield self._one(birth, "candidate", ways, there, id)
        for ways in self._of_parents(birth):
            yield self._one(birth, "parent", ways, side, birth.parent(side))

    def _one(
        self, birth: Birth, about: Literal["itself", "candidate", "parent"], ways: TwoWays, side: SideName, id: str
    ) -> _Asked:
        what = LegMember(birth.one.sync, ways.forward.name, side, ways.end(side, id), ways.ends[other(side)])
        return _Asked(birth, about, ways, what)

    def _others(self, birth: Birth, side: SideName) -> Iterator[TwoWays]:
        """Legs that start from the same records and lead to others, but to those whom the leg's own records have under them."""
        own, there = birth.ways.ends, other(side)
        name = birth.ways.forward.name
        under = [
            one.ends[there][:3]
            for one in self.of(birth.one.sync)
            if (parent := parent_of(one.forward)) is not None and parent.leg == name
        ]
        for ways in self.of(birth.one.sync):
            kind = ways.ends[there][:3]
            if ways.ends[side][:3] == own[side][:3] and kind != own[there][:3] and kind not in under:
                yield ways

    def _of_parents(self, birth: Birth) -> Iterator[TwoWays]:
        """Legs by which whom it belongs to has been, or is, a counterpart of the kind that is looked for."""
        over = self.over(birth.one.sync, birth.ways)
        if over is not None and birth.parents:
            yield from self.former(birth.one.sync, birth.ways, over, birth.side)

    def former(self, sync: SyncId, leg: TwoWays, over: TwoWays, side: SideName) -> Iterator[TwoWays]:
        """Legs by which a record of the leg above has a counterpart of this leg's kind."""
        there = other(side)
        for ways in self.of(sync):
            its = (ways.ends[side][:3], ways.ends[there][:3])
            if ways.forward.name != leg.forward.name and its == (over.ends[side][:3], leg.ends[there][:3]):
                yield ways


class _Paired(NamedTuple):
    one: LegRecord
    ways: TwoWays
    there: str
    """Its counterpart."""
    parent: str
    by: str
    over: TwoWays

    @property
    def side(self) -> SideName:
        return side_of(self.one, self.ways)


async def apart(tx: DbConnection, legs: Legs, paired: Sequence[tuple[LegRecord, TwoWays, str, str]]) -> set[LegRecord]:
    """Of records with a counterpart, and to whom they belong: those whose counterpart belongs to somebody else, because people have moved it.
    No statement where records belong to nobody."""
    listed = [
        _Paired(one, ways, there, belongs_to, parent.by, over)
        for one, ways, there, belongs_to in paired
        if (parent := parent_of(ways.forward)) and (over := legs.over(one.sync, ways)) and belongs_to
    ]
    if not listed:
        return set()
    placed = [Placed(*one.ways.source(other(one.side)), one.there, one.by) for one in listed]
    there = await match_moves.parents(tx, placed)
    ends = [(one.side, one.over.end(one.side, one.parent), one.over.ends[other(one.side)]) for one in listed]
    ours = await match_values.counterparts(tx, ends)
    moved = [at for at in there if at in ours and there[at] != ours[at]]
    heirs = await _heirs(tx, legs, [listed[at] for at in moved if not there[at]])
    return {listed[at].one for at in moved} - heirs


async def _heirs(tx: DbConnection, legs: Legs, listed: Sequence[_Paired]) -> set[LegRecord]:
    """Those whose counterpart belongs to nobody yet, because it was that of whom they belong to: it moves there."""
    asked = [
        (one, (one.side, former.end(one.side, one.parent), former.ends[other(one.side)]))
        for one in listed
        for former in legs.former(one.one.sync, one.ways, one.over, one.side)
    ]
    found = await match_values.counterparts(tx, [end for _, end in asked]) if asked else {}
    return {asked[at][0].one for at, id in found.items() if asked[at][0].there == id}
