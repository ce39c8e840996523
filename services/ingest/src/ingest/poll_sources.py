"""What is read, by the configuration: the sources that active syncs start from, and those that their facts are made of; and who listens.

A source is held back while facts of all the legs that start from it are still to be read: so each of its records is judged once, with its
facts, and nobody is written twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from common.contracts.connections import Connection
from common.contracts.matching import matching_legs, read_first
from common.contracts.open_deals import read_besides
from common.contracts.syncs import LOOK_AT, LOOK_EVERY, LOOK_FACTS_AT, TIME_ZONE, Leg
from common.cron import Cron
from common.state.configuration import Configuration
from common.state.polls import Polled
from ingest.poll_job import Listener
from ingest.schedule import Cadence
from vendors.feeding import feeders, gathered, is_listed, listed
from vendors.registry import vendor_named
from vendors.vendor import Source, Vendor


def wanted_sources(configuration: Configuration) -> tuple[frozenset[Polled], frozenset[Polled]]:
    """What legs start from; and what has to be read whole before anybody is judged: what the facts are made of that their mappings name, and
    both sides of legs whose records are matched."""
    read = list(_read(configuration))
    tellers = frozenset(Polled(*one) for leg, source in read for one in feeders(source, leg))
    sources = frozenset(_polled(configuration, leg) for leg, source in read if is_listed(source, leg.source_entity))
    active = {one.id for one in configuration.connections.values() if one.state == "active"}
    besides = frozenset(one for leg, _ in read for one in _besides(leg) if one.connection in active)
    return sources, tellers | besides | (sources & matched_sources(configuration))


def matched_sources(configuration: Configuration) -> frozenset[Polled]:
    """Both sides of legs whose records are matched, and whatever tells of them."""
    return frozenset(
        _polled(configuration, leg)
        for sync in configuration.syncs.values()
        if sync.judges
        for forward, back in matching_legs(sync)
        for leg in read_first(sync, forward, back)
    )


def judged_sources(configuration: Configuration) -> frozenset[Polled]:
    """Those of them that somebody listens to, whether their connection can be read now or not: a reading that rests is not given up."""
    judged = list(_judged(configuration))
    tellers = frozenset(Polled(*one) for leg, source, _ in judged for one in feeders(source, leg))
    return (
        frozenset(_polled(configuration, leg) for leg, source, _ in judged if is_listed(source, leg.source_entity))
        | tellers
        | frozenset(one for leg, _, _ in judged for one in _besides(leg))
    )


def written_to(configuration: Configuration) -> Mapping[Polled, Vendor]:
    """Places that active syncs write to and that can be read back, besides those that are read anyway."""
    found = {}
    for leg in configuration.legs():
        connection = configuration.connections.get(leg.target)
        if connection is None or not configuration.syncs[leg.sync].judges:
            continue
        vendor = vendor_named(connection.vendor)
        told_by = vendor.read_back.told_by.get(leg.target_entity) if vendor.read_back is not None else None
        if told_by is not None:
            found[Polled(leg.target, told_by, leg.target_place)] = vendor
    return {polled: vendor for polled, vendor in found.items() if polled not in judged_sources(configuration)}


def held_back(configuration: Configuration, unready: frozenset[Polled]) -> frozenset[Polled]:
    """Sources that have nobody yet who could judge what is read."""
    read = [
        (_polled(configuration, leg), any(Polled(*one) in unready for one in feeders(source, leg)))
        for leg, source in _read(configuration)
    ]
    return frozenset(source for source, held in read if held) - {source for source, held in read if not held}


def cadence(configuration: Configuration, source: Polled) -> Cadence:
    """When the legs that need the source want it looked at; one that says nothing wants it as often as its vendor is looked at."""
    found = list[Cadence]()
    for leg, vendor_source in _read(configuration):
        options, usual = leg.mapping.options if leg.mapping is not None else {}, vendor_source.polled_every
        if source == _polled(configuration, leg):
            found.append(_asked(options, options.get(LOOK_AT), usual))
        elif source in {Polled(*one) for one in feeders(vendor_source, leg)}:
            found.append(_asked(options, options.get(LOOK_FACTS_AT) or options.get(LOOK_AT), usual))
    every = min((one.every for one in found if one.every), default=None)
    return Cadence(every, tuple({cron for one in found for cron in one.at}))


def _asked(options: Mapping[str, Any], expression: str | None, usual: timedelta) -> Cadence:
    if expression:
        return Cadence(at=(Cron(expression, options.get(TIME_ZONE) or "UTC"),))
    minutes = options.get(LOOK_EVERY)
    return Cadence(timedelta(minutes=minutes) if minutes else usual)


def listeners(configuration: Configuration, source: Polled) -> Sequence[Listener]:
    """The syncs with legs that start there. One that wants nothing but what is told inside its records judges none of them."""
    legs = Counter(
        leg.sync
        for leg in configuration.legs_of(source.connection, source.entity)
        if leg.takes(source.place) and not leg.is_aside
    )
    for leg, _, _ in _judged(configuration):
        if _polled(configuration, leg)[:2] == source[:2] and leg.takes(source.place):
            # Counted above, if it judges them.
            legs[leg.sync] += 0
    return [Listener(configuration.syncs[sync], count) for sync, count in legs.items()]


def _read(configuration: Configuration) -> Iterator[tuple[Leg, Source]]:
    """Legs whose records can be listed now, and somebody judges them."""
    return ((leg, source) for leg, source, connection in _judged(configuration) if connection.state == "active")


def _judged(configuration: Configuration) -> Iterator[tuple[Leg, Source, Connection]]:
    """Legs whose records can be listed by an API, and somebody judges them."""
    for leg in configuration.legs():
        connection = configuration.connections.get(leg.source)
        if connection is None or leg.mapping is None or not configuration.syncs[leg.sync].judges:
            continue
        source = vendor_named(connection.vendor).source
        if source is not None and leg.source_entity in (*source.entities, *gathered(source)):
            yield leg, source, connection


def _besides(leg: Leg) -> list[Polled]:
    return [Polled(*one) for one in read_besides(leg)]


def _polled(configuration: Configuration, leg: Leg) -> Polled:
    return Polled(*listed(vendor_named(configuration.connections[leg.source].vendor), leg))
