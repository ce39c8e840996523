"""The life of a writer: asks the queue of each connection for work, as much as there is room for, and looks after what is held.

Live work has a line of its own for its calls, so that it never stands behind a backfill; the rest has another, so that it is never
starved. On a stop nothing new is taken, and what is under way is brought to its end.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from common.clock import Clock, monotonic
from common.contracts.connections import Connection
from common.contracts.ids import ConnectionId, Entity
from common.failures import Failure
from common.http.call import Api
from common.http.door import Door
from common.http.outage import Outage
from common.state.configuration import Configuration, ConfigurationReader
from common.state.pool import Pool, connection, transaction
from common.state.trouble import DatabaseTrouble, trouble_of
from vendors.vendor import Vendor
from writing import rechecks
from writing.audit import audit
from writing.caller import VendorCaller
from writing.claimed import Claimed
from writing.event_judgement import release_all
from writing.executor import Executor, all_of
from writing.held import Held
from writing.intake import CHANNEL
from writing.lease_renewer import Lease, LeaseRenewer
from writing.queue import LIVE, REST, Due, Queue, Turn
from writing.settle import Settler
from writing.switching import Switching

ROWS = 500
IDLE_S = 0.5
# Less than a service has for its drain; a call that takes longer is settled by a look, like one whose process died.
DRAIN_S = 18.0
SWEEP_S = 2.0
# After an error that concerns one connection alone.
PAUSE_S = 5.0
# Every so many turns, what is least urgent goes first.
OTHER_WAY = 8

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a worker is made of."""

    pool: Pool
    clock: Clock
    door: Door
    vendor: Vendor
    queue: Queue
    held: Held
    executors: Mapping[Entity, Executor]
    """By the entity of the target records that each brings to their end."""
    settler: Settler
    switching: Switching
    lease_renewer: LeaseRenewer
    outage: Outage
    at_once: int
    """Calls of one connection at a time; the door's budget knows the vendor's own number."""


class _Line:
    """One class of work of one connection: how many rows are under way, and the places for their calls."""

    def __init__(self, at_once: int) -> None:
        self.calls = asyncio.Semaphore(at_once)
        self.rows = 0
        self.turns = 0

    @contextmanager
    def carrying(self, rows: int) -> Iterator[None]:
        self.rows += rows
        try:
            yield
        finally:
            self.rows -= rows


class Worker:
    """Runs until it is stopped; several may run at once, here and elsewhere."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._configuration = ConfigurationReader()
        # Two places less than there are for each class: neither can take all of them.
        share = max(1, parts.at_once - 2)
        self._lines: defaultdict[tuple[ConnectionId, tuple[int, ...]], _Line] = defaultdict(lambda: _Line(share))
        self._under_way: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()
        self._next_sweep = 0.0
        self._not_before: defaultdict[ConnectionId, float] = defaultdict(float)
        self._stopping = asyncio.Event()

    def wake(self) -> None:
        """There may be work."""
        self._woken.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Raises what nobody can wait out; everything else ends with `stopping`."""
        while not stopping.is_set():
            self._woken.clear()
            took = await self._turn()
            self._look_at_ended()
            if not took:
                await _either(self._woken, stopping, within=IDLE_S)
        self._stopping.set()
        await self._drain()

    async def _drain(self) -> None:
        """What is under way is brought to its end, as far as there is time."""
        if self._under_way:
            _, late = await asyncio.wait(self._under_way, timeout=DRAIN_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
            self._under_way -= late
        self._look_at_ended()

    async def listen(self, stopping: asyncio.Event) -> None:
        """Hears of work that another process has stored; the idle turns find it too."""

        def heard(*_: object) -> None:
            self.wake()

        while not stopping.is_set():
            lost = asyncio.Event()
            try:
                async with connection(self._parts.pool) as link:
                    await link.add_listener(CHANNEL, heard)
                    link.add_termination_listener(lambda *_, lost=lost: lost.set())
                    try:
                        await _either(stopping, lost)
                    finally:
                        await link.remove_listener(CHANNEL, heard)
            except Exception as error:
                if trouble_of(error) is not DatabaseTrouble.AWAY:
                    raise
                await _either(stopping, asyncio.Event(), within=IDLE_S)

    async def _turn(self) -> int:
        """Asks for all connections at once; returns how many rows were taken."""
        try:
            configuration = await self._read()
            if monotonic() >= self._next_sweep:
                self._next_sweep = monotonic() + SWEEP_S
                await self._sweep(configuration)
            took = 0
            # One question for all connections; only those with work cost another.
            for due in await self._parts.queue.due(configuration):
                one = configuration.connections.get(due.connection)
                if one is not None and self._is_ours(one) and monotonic() >= self._not_before[one.id]:
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

    def _is_ours(self, one: Connection) -> bool:
        return one.vendor == self._parts.vendor.name and one.state == "active"

    async def _serve(self, one: Connection, due: Due) -> int:
        """One connection's turn; what is wrong with it alone is nobody else's trouble."""
        try:
            return sum([await self._take(one, due, priorities) for priorities in (LIVE, REST)])
        except Exception as error:
            if trouble_of(error) in (DatabaseTrouble.AWAY, DatabaseTrouble.UNFIT):
                raise
            self._not_before[one.id] = monotonic() + PAUSE_S
            _log.error("writer.connection_failed", connection=one.id, exc_info=error)
            return 0

    async def _take(self, one: Connection, due: Due, priorities: tuple[int, ...]) -> int:
        line = self._lines[one.id, priorities]
        line.turns += 1
        order = priorities[::-1] if line.turns % OTHER_WAY == 0 else priorities
        since = monotonic()
        rows = await self._parts.queue.claim(one, due, Turn(order, ROWS - line.rows))
        if rows:
            self._parts.outage.is_open(one.id)
            self._spawn(self._work(one, rows, line, since), "work")
        return len(rows)

    async def _work(self, one: Connection, rows: list[Claimed], line: _Line, since: float) -> None:
        with line.carrying(len(rows)), self._parts.lease_renewer.keeping(rows[0].item.token, since) as lease:
            await all_of(self._work_on(entity, one, its, line, lease) for entity, its in _by_entity(rows).items())
        self.wake()

    async def _work_on(
        self, entity: Entity, one: Connection, rows: Sequence[Claimed], line: _Line, lease: Lease
    ) -> None:
        """The rows that one target writes."""
        parts, executor = self._parts, self._parts.executors[entity]
        try:
            caller = VendorCaller(parts.vendor.targets[entity], one, self._api(one), line.calls, lease, self._stopping)
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

    async def _sweep(self, configuration: Configuration) -> None:
        """What died, what is held, what was heard meanwhile and what has to be looked at once more, of all connections at once."""
        parts = self._parts
        await release_all(parts.pool, parts.vendor.targets, parts.vendor.name, parts.clock.now())
        ours = {one.id: one for one in configuration.connections.values() if self._is_ours(one)}
        if not ours:
            return
        await parts.held.take_over(list(ours))
        async with transaction(parts.pool) as tx:
            await rechecks.open_due(tx, list(ours), parts.clock.now())
        busy = {task.get_name() for task in self._under_way}
        if "switching" not in busy:
            self._spawn(self._switch(), "switching")
        for id in await parts.held.to_look_at(list(ours)):
            if f"look {id}" not in busy:
                self._spawn(self._look(ours[id], self._lines[id, REST]), f"look {id}")
        if "probes" not in busy:
            self._spawn(self._probe(list(ours.values())), "probes")

    async def _probe(self, ours: list[Connection]) -> None:
        if await self._parts.outage.probe(ours, self._api):
            self.wake()

    async def _switch(self) -> None:
        """What syncs own that were switched off or resumed; one bounded step after the other."""
        while not self._stopping.is_set() and await self._parts.switching.step():
            self.wake()

    async def _look(self, one: Connection, line: _Line) -> None:
        parts, api = self._parts, self._api(one)
        while await parts.settler.settle(one, api, line.calls):
            self.wake()
        await audit(parts.pool, parts.clock, parts.vendor.targets, one.id, api, line.calls)

    def _api(self, one: Connection) -> Api:
        return self._parts.door.open(self._parts.vendor.profile, one)

    def _spawn(self, work: object, name: str) -> None:
        assert asyncio.iscoroutine(work)
        self._under_way.add(asyncio.create_task(work, name=name))

    def _look_at_ended(self) -> None:
        """An error of one connection's work is that connection's; only a schema that is not ours ends the service."""
        for task in [task for task in self._under_way if task.done()]:
            self._under_way.discard(task)
            error = task.exception()
            if error is None:
                continue
            match trouble_of(error):
                case DatabaseTrouble.AWAY:
                    # It costs leases and no more.
                    _log.warning("writer.work_interrupted", task=task.get_name(), error=type(error).__name__)
                case DatabaseTrouble.UNFIT:
                    raise error
                case _:
                    _log.error("writer.work_broken", task=task.get_name(), exc_info=error)


def _by_entity(rows: Sequence[Claimed]) -> Mapping[Entity, list[Claimed]]:
    """In their order; records of two targets never share a call."""
    found: dict[Entity, list[Claimed]] = {}
    for row in rows:
        found.setdefault(row.item.target_entity, []).append(row)
    return found


async def _either(one: asyncio.Event, other: asyncio.Event, *, within: float | None = None) -> None:
    """Until one of the two, or until the time is over."""
    waiting = {asyncio.create_task(one.wait()), asyncio.create_task(other.wait())}
    try:
        await asyncio.wait(waiting, timeout=within, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
