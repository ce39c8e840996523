"""A leg and its way back: the two mappings side by side, and the ends that their pairs have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from common.contracts.ids import ConnectionId, Entity, RecordId, SyncId
from common.contracts.matching import parent_of
from common.contracts.syncs import Leg
from common.pairs.merging import Rule, SideName
from common.state.configuration import Configuration
from common.state.pairs import PairEnd
from mapper.mapping.expressions import Expression
from mapper.mapping.mirror import Mirror
from mapper.mappings import Mappings
from mapper.state_rows import Key
from vendors.registry import vendor_named


class TwoWays(NamedTuple):
    """A leg and its way back, with the ends of their pairs."""

    forward: Leg
    back: Leg
    mirror: Mirror
    ends: Mapping[SideName, PairEnd]
    """Without ids."""

    def end(self, side: SideName, record: RecordId | str) -> PairEnd:
        return self.ends[side]._replace(id=record)

    def source(self, side: SideName) -> tuple[ConnectionId, Entity]:
        """Where records of this side are read."""
        leg = self.forward if side == "left" else self.back
        return leg.source, leg.source_entity

    def names_parent(self, leg: Leg) -> frozenset[str]:
        """Where a document of this leg says to whom its record belongs."""
        parent, mapping = parent_of(self.forward), leg.mapping
        if parent is None or mapping is None:
            return frozenset()
        return frozenset(row.target for row in mapping.rows if Expression(row.source).roots == {parent.by})

    @property
    def rules(self) -> Mapping[str, Rule]:
        assert self.forward.mapping is not None
        rules: Mapping[str, Rule] = self.forward.mapping.options.get("conflicts", {})
        return rules


class LegRecord(NamedTuple):
    """A record as one leg of a two-way sync sees it."""

    sync: SyncId
    leg: Entity
    key: Key


def ways_of(configuration: Configuration, mappings: Mappings, leg: Leg) -> TwoWays | None:
    """The leg and its way back; None where it leads one way."""
    its = configuration.way_back(leg)
    if its is None or its.mapping is None:
        return None
    forward, back = (leg, its) if leg.direction == "forward" else (its, leg)
    mirror = mappings.mirror(forward, back, configuration)
    there = configuration.connections
    if mirror is None or forward.source not in there or forward.target not in there:
        return None
    left = PairEnd(_account(configuration, forward.source), back.target_place, forward.source_entity, "")
    right = PairEnd(_account(configuration, forward.target), forward.target_place, forward.target_entity, "")
    return TwoWays(forward, back, mirror, {"left": left, "right": right})


def _account(configuration: Configuration, id: ConnectionId) -> str:
    connection = configuration.connections[id]
    return vendor_named(connection.vendor).account(connection)


def side_of(one: LegRecord, ways: TwoWays) -> SideName:
    """On which side of its pair the record is."""
    return "left" if ways.forward.name == one.leg else "right"
