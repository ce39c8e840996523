"""What records tell of themselves and of others that a leg's rules compare: hashes of values, and that a record is in the leg at all.

Pure but for one statement: states that are locked come in, the rows that say what they tell go out. Values are compared trimmed and without
case, and kept as hashes: nobody has to be found by them but by one who has the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from common.bus.handler import Delivered
from common.contracts.ids import ConnectionId, Entity
from common.contracts.matching import SIDES, MatchRule, matching_legs, parent_of, read_first, rules_of
from common.contracts.messages import ChangeEvent
from common.contracts.syncs import Leg, Sync
from common.pairs.merging import SideName
from common.state import feeding, match_values
from common.state.configuration import Configuration
from common.state.feeding import Met
from common.state.match_values import HERE, MatchValue, Teller
from common.state.pool import DbConnection
from mapper import coverage
from mapper.mapping.engine import CompiledMapping
from mapper.mapping.expressions import Expression, ExpressionExpensive
from mapper.mappings import Mappings, target_of
from mapper.state import RecordState
from mapper.state_rows import Key
from vendors.feeding import listed
from vendors.registry import vendor_named


class _Tells(NamedTuple):
    """What one kind of records tells for one side of a leg."""

    forward: Leg
    side: SideName
    own: Leg
    """The leg that starts from this side."""
    mapping: CompiledMapping
    rules: tuple[tuple[MatchRule, Expression], ...]
    by: str
    """The field that names whom it tells of; empty: it tells of itself."""


async def tell(
    tx: DbConnection,
    configuration: Configuration,
    mappings: Mappings,
    known: Mapping[Key, RecordState],
    changed: Mapping[Key, RecordState],
    batch: Iterable[Delivered[ChangeEvent]],
) -> None:
    """Stores what these tell, before their counterparts are looked for: whoever comes next finds them. Whoever has one of the values that are told
    now or no more, and no counterpart, is judged once more. A batch of which no leg has rules, or that changes nothing that they compare, costs
    no statement. `known` are the records as they were."""
    await _meet(tx, configuration, [item.message for item in batch])
    states = {key: state for key, state in changed.items() if not state.redacted}
    tellers, told = all_told(configuration, mappings, states, known)
    sharing = await match_values.sharing(tx, await match_values.keep(tx, tellers, told))
    await match_values.again(
        tx, set(sharing) - {(one.sync, one.leg, one.side, one.record) for one in tellers if not one.entity}
    )


async def _meet(tx: DbConnection, configuration: Configuration, changes: Iterable[ChangeEvent]) -> None:
    """These have arrived of the first lists of both sides, as far as any leg's rules wait for them."""
    kinds = {
        one[:2]
        for sync in configuration.syncs.values()
        for both in matching_legs(sync)
        for one in first_lists(configuration, sync, *both)
    }
    met = [
        Met(one.connection, one.entity, one.run, one.record)
        for one in changes
        if one.run is not None and (one.connection, one.entity) in kinds
    ]
    if met:
        await feeding.meet(tx, met)


def first_lists(
    configuration: Configuration, sync: Sync, forward: Leg, back: Leg
) -> set[tuple[ConnectionId, Entity, str]]:
    """What has to be listed whole before anybody of a leg is judged: its records, or those that tell of them."""
    legs = [leg for leg in read_first(sync, forward, back) if leg.source in configuration.connections]
    return {listed(vendor_named(configuration.connections[leg.source].vendor), leg) for leg in legs}


async def fill(
    tx: DbConnection, configuration: Configuration, mappings: Mappings, states: Mapping[Key, RecordState]
) -> None:
    """Stores what these tell; nobody is judged by it yet."""
    await match_values.keep(tx, *all_told(configuration, mappings, states))


def all_told(
    configuration: Configuration,
    mappings: Mappings,
    states: Mapping[Key, RecordState],
    known: Mapping[Key, RecordState] | None = None,
) -> tuple[list[Teller], list[MatchValue]]:
    """Who of these tells anything, and what; with what was known of them only those who tell something else. Pure."""
    tells = _of_kinds(configuration, mappings, {(key.connection, key.entity) for key in states})
    tellers, told = list[Teller](), list[MatchValue]()
    for key, state in states.items():
        for one in tells.get((key.connection, key.entity), ()):
            by = Teller(one.forward.sync, one.forward.name, one.side, key.entity if one.by else "", key.record)
            its = set(_values(configuration, one, by, key, state))
            if known is not None and its == set(_values(configuration, one, by, key, known[key])):
                continue
            tellers.append(by)
            told += its
    return tellers, told


def in_leg(configuration: Configuration, leg: Leg, mapping: CompiledMapping, state: RecordState) -> bool:
    """Whether the record can be anybody's counterpart: it is there, and its leg's filter does not leave it out, as far as anybody has told."""
    if state.deleted or not state.known or not leg.takes(state.place):
        return False
    if not mapping.is_decided(state.unknown(coverage.needs(configuration, leg, mapping))):
        return True
    try:
        return mapping.passes(state.record())
    except ExpressionExpensive:
        return True


def parent_id(leg: Leg, state: RecordState) -> str:
    """To whom the record belongs, where its leg says how that is told."""
    parent = parent_of(leg)
    return str(state.fields.get(parent.by) or "") if parent is not None else ""


def counts(rule: MatchRule, side: SideName) -> bool:
    """Whether a value of this side says anything by itself; everybody has an id."""
    return side in rule.through or Expression(rule.read(side)).roots != {"id"}


def hashed(value: str) -> str:
    """What is stored of a value."""
    return hashlib.sha256(value.encode()).hexdigest()[:32]


def _values(
    configuration: Configuration, one: _Tells, by: Teller, key: Key, state: RecordState
) -> Iterator[MatchValue]:
    if state.deleted or not state.known:
        return
    if not one.by and not in_leg(configuration, one.own, one.mapping, state):
        return
    of = str(state.fields.get(one.by) or "") if one.by else key.record
    if not of:
        return
    if not one.by:
        yield MatchValue(by, of, HERE, parent_id(one.forward, state))
    record = {**state.record(), "id": key.record}
    for rule, expression in one.rules:
        for value in _texts(expression, record):
            yield MatchValue(by, of, rule.name, hashed(value))


def _texts(expression: Expression, record: Mapping[str, Any]) -> set[str]:
    try:
        found = expression.read(record)
    except ExpressionExpensive:
        return set()
    given = found if isinstance(found, list | tuple) else [found]
    texts = (str(one).strip().casefold() for one in given if isinstance(one, str | int) and not isinstance(one, bool))
    return {text for text in texts if text}


def _of_kinds(
    configuration: Configuration, mappings: Mappings, kinds: set[tuple[ConnectionId, Entity]]
) -> dict[tuple[ConnectionId, Entity], list[_Tells]]:
    found: dict[tuple[ConnectionId, Entity], list[_Tells]] = {}
    for sync in configuration.syncs.values():
        if not sync.judges:
            continue
        for forward, back in matching_legs(sync):
            for side, own in zip(SIDES, (forward, back), strict=True):
                for kind, one in _of_side(configuration, mappings, forward, side, own):
                    if kind in kinds:
                        found.setdefault(kind, []).append(one)
    return found


def _of_side(
    configuration: Configuration, mappings: Mappings, forward: Leg, side: SideName, own: Leg
) -> Iterator[tuple[tuple[ConnectionId, Entity], _Tells]]:
    target = target_of(configuration, own)
    mapping = mappings.of(own, target) if target is not None else None
    if mapping is None:
        return
    read = [(rule, Expression(rule.read(side))) for rule in rules_of(forward)]
    direct = tuple(one for one in read if side not in one[0].through)
    yield (own.source, own.source_entity), _Tells(forward, side, own, mapping, direct, "")
    told_by: dict[tuple[Entity, str], list[tuple[MatchRule, Expression]]] = {}
    for rule, expression in read:
        if side in rule.through:
            through = rule.through[side]
            told_by.setdefault((through.entity, through.by), []).append((rule, expression))
    for (entity, field), rules in told_by.items():
        yield (own.source, entity), _Tells(forward, side, own, mapping, tuple(rules), field)
