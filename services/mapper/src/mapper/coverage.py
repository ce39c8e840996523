"""Records of which a listing has told less than a mapping reads: their detail is asked for, once a version.

In: states that were merged, and the legs that judge them. Out: reads to ask for, or nothing where all that is read is in the list. What
decides is the state and never the event (R10): what a webhook or an earlier read has told of the same version is not asked for again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from common.contracts.ids import RunId
from common.contracts.messages import Lane
from common.contracts.syncs import Leg
from common.state.configuration import Configuration
from common.state.read_requests import UNCOVERED, ReadRequest
from mapper.mapping.detail_use import beyond_lists
from mapper.mapping.engine import CompiledMapping
from mapper.mappings import Mappings, target_of
from mapper.state import RecordState
from mapper.state_rows import Key
from vendors.registry import vendor_named


def needs(configuration: Configuration, leg: Leg, mapping: CompiledMapping) -> frozenset[str]:
    """The fields that the mapping reads and no listing carries; usually none."""
    connection = configuration.connections.get(leg.source)
    source = vendor_named(connection.vendor).source if connection is not None else None
    return beyond_lists(source, leg.source_entity, mapping) if source is not None else frozenset()


def asks(
    configuration: Configuration,
    mappings: Mappings,
    listed: Mapping[Key, tuple[RecordState, Lane, RunId | None]],
    now: datetime,
    only: Leg | None = None,
) -> list[ReadRequest]:
    """The reads that these records need, by all their legs together (or by one): one call serves them all."""
    wanted = _Wanted(configuration, mappings, only)
    return [
        ReadRequest(*key, UNCOVERED, now, lane=lane, version=state.sequence, job=job or "")
        for key, (state, lane, job) in listed.items()
        if not (state.deleted or state.redacted) and state.sequence and state.lacks(wanted.of(key, state))
    ]


class _Wanted:
    """What the legs of a kind of records read, worked out once."""

    def __init__(self, configuration: Configuration, mappings: Mappings, only: Leg | None) -> None:
        self._configuration = configuration
        self._mappings = mappings
        self._only = only
        self._known: dict[tuple[str, str], list[tuple[Leg, frozenset[str]]]] = {}

    def of(self, key: Key, state: RecordState) -> Iterable[str]:
        kind = (key.connection, key.entity)
        if kind not in self._known:
            self._known[kind] = list(self._needs(key))
        return (name for leg, names in self._known[kind] if leg.takes(state.place) for name in names)

    def _needs(self, key: Key) -> Iterator[tuple[Leg, frozenset[str]]]:
        for leg in [self._only] if self._only else self._configuration.legs_of(key.connection, key.entity):
            target = target_of(self._configuration, leg)
            mapping = self._mappings.of(leg, target) if target is not None else None
            if mapping is not None:
                yield leg, needs(self._configuration, leg, mapping)
        yield from self._for_parts(key)

    def _for_parts(self, key: Key) -> Iterator[tuple[Leg, frozenset[str]]]:
        """What says the parts of such records, for legs that start from those."""
        connection = self._configuration.connections.get(key.connection)
        source = vendor_named(connection.vendor).source if connection is not None and self._only is None else None
        parts = feed.parts if source is not None and (feed := source.feeds.get(key.entity)) is not None else None
        if source is not None and parts is not None:
            beyond = parts.reads & source.detail_only.get(key.entity, frozenset())
            yield from ((leg, beyond) for leg in self._configuration.legs_of(key.connection, parts.into))
