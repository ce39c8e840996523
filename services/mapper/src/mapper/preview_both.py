"""Both sides of legs that lead both ways, for a preview: what was read, or the beginning of a list, held against each other.

Nothing is stored and nobody is locked: what it says is what was known a moment ago.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal

from common.contracts.ids import Entity, RecordId
from common.contracts.matching import matching_legs, read_first
from common.contracts.messages import ChangeEvent
from common.contracts.syncs import Leg, Sync
from common.pairs.merging import SideName
from common.state.configuration import Configuration, ConfigurationReader
from common.state.pool import DbConnection, Pool, connection
from mapper.mappings import Mappings
from mapper.preview import NOBODY, Matched
from mapper.preview_matching import LegMatches, matches
from mapper.state import RecordState, merge
from mapper.state_rows import Key, state_of
from mapper.two_ways import TwoWays, ways_of

Lists = Callable[[Leg], Awaitable[Sequence[ChangeEvent]]]
"""The beginning of the list of a leg's source, which nobody has read; nothing where it cannot be listed."""
# Somebody waits for the answer, and both sides are held in memory.
MOST_RECORDS = 50_000


async def both_sides(pool: Pool, legs: Sequence[Leg], listed: Lists) -> Mapping[Entity, LegMatches]:
    """By the forward legs' names; nothing where no leg says by what records match."""
    sync = _sync(legs)
    both = list(matching_legs(sync)) if sync is not None else []
    if sync is None or not both:
        return {}
    async with connection(pool) as reading:
        known = await ConfigurationReader().read(reading)
        configuration, mappings = Configuration(0, known.connections, {sync.id: sync}), Mappings()
        ways = [one for leg, _ in both if (one := ways_of(configuration, mappings, leg)) is not None]
        links = {(one.forward.name, side): its for one in ways for side, its in (await _links(reading, one)).items()}
        needed = {(leg.source, leg.source_entity): leg for one in both for leg in read_first(sync, *one)}
        states = {key: one for leg in needed.values() for key, one in (await _stored(reading, leg)).items()}
    read = {(key.connection, key.entity) for key in states}
    for kind, leg in needed.items():
        if kind not in read:
            states |= {Key(*kind, one.record): merge(RecordState(), one).state for one in await listed(leg)}
    return matches(configuration, mappings, sync, states, links)


def words_of(found: Mapping[Entity, LegMatches], leg: Leg) -> Matched:
    """What a leg's own records come to: the forward leg's are the left side's, those of its way back the right side's."""
    for name, one in found.items():
        if name == leg.name:
            return _words(one, "left")
        if leg.direction == "back" and one.back == leg.name:
            return _words(one, "right")
    return NOBODY


def _words(one: LegMatches, side: SideName) -> Matched:
    words: dict[str, Literal["linked", "differs", "asked"]] = {
        id: "differs" if id in one.writes[side] else "linked" for id in one.linked[side] if id not in one.before[side]
    }
    return words | dict.fromkeys(one.asked[side], "asked")


def _sync(legs: Sequence[Leg]) -> Sync | None:
    """As it will run."""
    forward = next((leg for leg in legs if leg.direction == "forward"), None)
    if forward is None:
        return None
    name = str(forward.sync)
    return Sync(forward.sync, name, "", forward.source, forward.target, "active", {leg.name: leg for leg in legs})


async def _links(reading: DbConnection, ways: TwoWays) -> Mapping[SideName, Mapping[str, str]]:
    left, right = ways.ends["left"], ways.ends["right"]
    rows = await reading.fetch(_LINKED, *left[:3], *right[:3])
    return {
        "left": {row["left_id"]: row["right_id"] for row in rows},
        "right": {row["right_id"]: row["left_id"] for row in rows},
    }


async def _stored(reading: DbConnection, leg: Leg) -> Mapping[Key, RecordState]:
    rows = await reading.fetch(_STATES, leg.source, leg.source_entity, MOST_RECORDS)
    return {Key(leg.source, leg.source_entity, RecordId(row["record"])): state_of(row) for row in rows}


_STATES = """
select * from flow.record_state where (connection, entity) = ($1, $2) and sequence <> '' and redacted = '' and not deleted
 order by record limit $3
"""
_LINKED = """
select left_id, right_id from flow.pair
 where (left_account, left_place, left_entity, right_account, right_place, right_entity) = ($1, $2, $3, $4, $5, $6)
   and state = 'linked' and left_id <> '' and right_id <> ''
"""
