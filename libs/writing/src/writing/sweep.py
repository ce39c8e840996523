"""What nobody else looks after: work whose executor died, rows on hold, events that waited, late looks, deferred calls, syncs that were switched.

Every two seconds, of all connections of a vendor at once; each piece is a bounded step that can be repeated, and durable by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from common.contracts.connections import Connection
from common.state import gates
from common.state.configuration import Configuration
from common.state.pool import transaction
from writing import rechecks
from writing.audit import audit
from writing.event_judgement import release_all
from writing.lines import Line, Lines
from writing.parts import Parts
from writing.queue import REPLAY
from writing.under_way import UnderWay


class Sweep:
    """One worker's."""

    def __init__(
        self, parts: Parts, lines: Lines, under_way: UnderWay, *, wake: Callable[[], None], stopping: asyncio.Event
    ) -> None:
        self._parts = parts
        self._lines = lines
        self._under_way = under_way
        self._wake = wake
        self._stopping = stopping

    async def sweep(self, configuration: Configuration) -> None:
        """What died, what is held, what was heard meanwhile and what has to be looked at once more, of all connections at once."""
        parts = self._parts
        await release_all(parts.pool, parts.vendor.targets, parts.vendor.name, parts.clock.now())
        ours = {one.id: one for one in configuration.connections.values() if parts.is_ours(one)}
        if not ours:
            return
        await parts.held.take_over(list(ours))
        async with transaction(parts.pool) as tx:
            await rechecks.open_due(tx, list(ours), parts.clock.now())
            await gates.open_lapsed(tx, parts.clock.now())
        if not self._under_way.has("switching"):
            self._under_way.begin(self._switch(), "switching")
        for id in await parts.held.to_look_at(list(ours)):
            if not self._under_way.has(f"look {id}"):
                self._under_way.begin(self._look(ours[id], self._lines[id, REPLAY]), f"look {id}")
        for id in await parts.collector.due(list(ours)):
            if not self._under_way.has(f"deferred {id}"):
                self._under_way.begin(self._collect(ours[id], self._lines[id, REPLAY]), f"deferred {id}")
        if not self._under_way.has("probes"):
            self._under_way.begin(self._probe(list(ours.values())), "probes")

    async def _probe(self, ours: list[Connection]) -> None:
        if await self._parts.outage.probe(ours, self._parts.api):
            self._wake()

    async def _switch(self) -> None:
        """What syncs own that were switched off or resumed; one bounded step after the other."""
        while not self._stopping.is_set() and await self._parts.switching.step():
            self._wake()

    async def _collect(self, one: Connection, line: Line) -> None:
        """Deferred calls whose results may be there."""
        parts, api = self._parts, self._parts.api(one)
        while not self._stopping.is_set() and await parts.collector.collect(one, api, line.calls):
            self._wake()

    async def _look(self, one: Connection, line: Line) -> None:
        parts, api = self._parts, self._parts.api(one)
        while await parts.settler.settle(one, api, line.calls):
            self._wake()
        await audit(parts.pool, parts.clock, parts.vendor.targets, one.id, api, line.calls)
