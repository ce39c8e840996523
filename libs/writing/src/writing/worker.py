"""The life of a writer: asks the queue of each connection for work, as much as there is room for, and looks after what is held.

Live work, replays and backfill have a line each for their calls, so that nobody stands behind what is less urgent. On a stop nothing new is
taken, and what is under way is brought to its end.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import structlog

from common.clock import monotonic
from common.contracts.connections import Connection
from common.contracts.ids import ConnectionId, Entity
from common.failures import Failure
from common.loops import CALM_AFTER_S
from common.state.configuration import Configuration, ConfigurationReader
from common.state.listening import CONFIGURATION, listen
from common.state.pool import connection
from common.state.trouble import DatabaseTrouble, trouble_of
from writing.caller import VendorCaller
from writing.claimed import Claimed
from writing.intake import CHANNEL
from writing.lease_renewer import Lease
from writing.lines import Line, Share, lines
from writing.parts import Parts
from writing.queue import BACKFILL, LIVE, REPLAY, Due, Turn
from writing.sweep import Sweep
from writing.under_way import UnderWay, all_of, either

ROWS = 500
IDLE_S = 0.5
SWEEP_S = 2.0
# The same where nothing was taken and nothing was heard for a while.
CALM_IDLE_S, CALM_SWEEP_S = 2.0, 5.0
# After an error that concerns one connection alone.
PAUSE_S = 5.0

_log = structlog.get_logger(__name__)


class Worker:
    """Runs until it is stopped; several may run at once, here and elsewhere."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._configuration = ConfigurationReader()
        self._lines = lines(parts.at_once)
        self._under_way = UnderWay()
        self._woken = asyncio.Event()
        self._last_sweep = 0.0
        self._busy = monotonic()
        self._not_before: defaultdict[ConnectionId, float] = defaultdict(float)
        self._stopping = asyncio.Event()
        self._sweep = Sweep(parts, self._lines, self._under_way, wake=self.wake, stopping=self._stopping)

    def wake(self) -> None:
        """There may be work."""
        self._woken.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Raises what nobody can wait out; everything else ends with `stopping`."""
        while not stopping.is_set():
            if self._woken.is_set():
                self._busy = monotonic()
            self._woken.clear()
            took = await self._turn()
            self._under_way.look_at_ended()
            if not took:
                await either(self._woken, stopping, within=CALM_IDLE_S if self._is_calm else IDLE_S)
        self._stopping.set()
        await self._under_way.drain()

    async def listen(self, stopping: asyncio.Event) -> None:
        """Hears of work that another process has stored and of syncs that were switched; the idle turns find them too."""
        await listen(self._parts.pool, (CHANNEL, CONFIGURATION), self.wake, stopping)

    @property
    def _is_calm(self) -> bool:
        return monotonic() - self._busy >= CALM_AFTER_S

    async def _turn(self) -> int:
        """Asks for all connections at once; returns how many rows were taken."""
        try:
            configuration = await self._read()
            if monotonic() - self._last_sweep >= (CALM_SWEEP_S if self._is_calm else SWEEP_S):
                self._last_sweep = monotonic()
                await self._sweep.sweep(configuration)
            took = 0
            # One question for all connections; only those with work cost another.
            for due in await self._parts.queue.due(configuration):
                one = configuration.connections.get(due.connection)
                if one is not None and self._parts.is_ours(one) and monotonic() >= self._not_before[one.id]:
                    took += await self._serve(one, due)
            return took
        except Exception as error:
            if trouble_of(error) is not DatabaseTrouble.AWAY:
                raise
            _log.warning("writer.database_away", error=type(error).__name__)
            return 0

    async def _read(self) -> Configuration:
        async with connection(self._parts.pool) as link:
            return await self._configuration.read(link)

    async def _serve(self, one: Connection, due: Due) -> int:
        """One connection's turn; what is wrong with it alone is nobody else's trouble."""
        try:
            return sum([await self._take(one, due, priority) for priority in (LIVE, REPLAY, BACKFILL)])
        except Exception as error:
            if trouble_of(error) in (DatabaseTrouble.AWAY, DatabaseTrouble.UNFIT):
                raise
            self._not_before[one.id] = monotonic() + PAUSE_S
            _log.error("writer.connection_failed", connection=one.id, exc_info=error)
            return 0

    async def _take(self, one: Connection, due: Due, priority: int) -> int:
        line = self._lines[one.id, priority]
        since, room = monotonic(), ROWS - line.rows
        waiting = () if priority == LIVE else await self._parts.company.who_waits(due, priority, room)
        rows = await self._parts.queue.claim(one, due, Turn(priority, room, line.full, waiting))
        if rows:
            self._parts.outage.is_open(one.id)
            by_entity = _by_entity(rows)
            shares = [
                line.sharing(Counter((entity, row.item.place) for row in its), self.wake)
                for entity, its in by_entity.items()
            ]
            self._under_way.begin(self._work(one, by_entity, shares, line, since), "work")
        return len(rows)

    async def _work(
        self,
        one: Connection,
        by_entity: Mapping[Entity, list[Claimed]],
        shares: Sequence[Share],
        line: Line,
        since: float,
    ) -> None:
        rows = [row for its in by_entity.values() for row in its]
        with line.carrying(len(rows)), self._parts.lease_renewer.keeping(rows[0].item.token, since) as lease:
            try:
                await all_of(
                    self._work_on(entity, one, its, Way(line.calls, lease, share))
                    for (entity, its), share in zip(by_entity.items(), shares, strict=True)
                )
            finally:
                for share in shares:
                    share.over()
        self.wake()

    async def _work_on(self, entity: Entity, one: Connection, rows: Sequence[Claimed], way: Way) -> None:
        """The rows that one target writes."""
        parts, executor = self._parts, self._parts.executors[entity]
        try:
            caller = VendorCaller(
                parts.vendor.targets[entity], one, parts.api(one), way.calls, way.lease, self._stopping,
                share=way.share,
            )  # fmt: skip
        except Failure as refusal:
            # The connection itself leads nowhere: a person has to look at it, and its records wait.
            await parts.outage.refuse(one, "", refusal)
            await executor.give_back(rows)
            return
        try:
            await executor.work(rows, caller)
        except Exception as error:
            if trouble_of(error) in (DatabaseTrouble.AWAY, DatabaseTrouble.UNFIT):
                raise
            _log.error("writer.work_failed", connection=one.id, rows=len(rows), exc_info=error)
            await executor.isolate(rows, caller)


class Way(NamedTuple):
    """What the rows of one claim need to get to their calls."""

    calls: asyncio.Semaphore
    lease: Lease
    share: Share


def _by_entity(rows: Sequence[Claimed]) -> Mapping[Entity, list[Claimed]]:
    """In their order; records of two targets never share a call."""
    found: dict[Entity, list[Claimed]] = {}
    for row in rows:
        found.setdefault(row.item.target_entity, []).append(row)
    return found
