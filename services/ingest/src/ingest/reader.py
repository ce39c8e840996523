"""Who reads what by id, and when: thin webhooks, disputed seconds, deletions (R10, R12), within the vendor's budget.

In come the rows of `flow.read_request` that are due, leased a connection and lane at a time; what becomes of them is `read_turn.py`'s. Nothing is
stored here but the lease: a crash leaves it to run out, and the same rows are read again.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

import structlog

from common.clock import Clock, monotonic
from common.contracts.connections import Connection
from common.contracts.ids import VendorName
from common.contracts.messages import Lane
from common.http.outage import Outage
from common.loops import Loop
from common.state import read_requests
from common.state.configuration import ConfigurationReader
from common.state.pool import Pool, transaction
from common.state.read_requests import ReadRequest, Turn
from ingest import unread
from ingest.gathered_reads import GatheredReads
from ingest.read_turn import ReadTurn
from ingest.sends import Opens, SendsAll
from vendors.registry import VENDORS, vendor_named

# Two calls of thirty, where thirty are asked for together.
AT_ONCE = 60
# Of those that a backfill wants, which are many: a turn of theirs is short, and calls only while nobody else wants to.
LISTED_AT_ONCE = 20
# Connections that are read at the same time; with AT_ONCE rows each at most, this bounds what is in flight.
CONNECTIONS = 100
# What one connection's turn may take; its lease is renewed meanwhile.
TURN_S = 90.0
EVERY_S, CALM_S = 1.0, 3.0
# As long as the requests of a reader that died wait for another one.
LEASE = timedelta(seconds=15)
RENEW_S = LEASE.total_seconds() / 3
# Whether a probe is due; which steps lie between them the gate knows.
PROBE_S = 2.0

_log = structlog.get_logger(__name__)


class Reader:
    """Works off `flow.read_request`; several may run."""

    def __init__(
        self, pool: Pool, door: Opens, producer: SendsAll, configuration: ConfigurationReader, clock: Clock
    ) -> None:
        self._pool = pool
        self._door = door
        self._configuration = configuration
        self._clock = clock
        self._woken = asyncio.Event()
        self._gathering = GatheredReads()
        self._running: dict[Turn, asyncio.Task[None]] = {}
        self._leases: dict[Turn, UUID] = {}
        self._next_renewal = 0.0
        self._probing: asyncio.Task[None] | None = None
        self._next_probe = 0.0
        self._loop = Loop("reader", EVERY_S, self._look_round, woken=self._woken, calm_s=CALM_S)
        self.look = self._loop.look
        self._outages = {name: Outage(pool, clock, vendor.ping) for name, vendor in VENDORS.items()}
        self._turn = ReadTurn(pool, door, producer, clock, self._outages)

    def wake(self) -> None:
        """There is something to read now."""
        self._woken.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Reads until the service stops, and looks after vendors that are away."""
        try:
            await self._loop.run(stopping)
        finally:
            for turn in (turns := [*self._running.values(), *([self._probing] if self._probing else [])]):
                # What was not answered is read again when its lease is over.
                turn.cancel()
            await asyncio.gather(*turns, return_exceptions=True)

    async def _look_round(self) -> bool:
        self._probe_in_time()
        await self._renew_in_time()
        return await self._begin()

    async def _renew_in_time(self) -> None:
        """Whoever lives keeps what it reads."""
        if monotonic() < self._next_renewal:
            return
        self._next_renewal = monotonic() + RENEW_S
        if self._leases:
            async with transaction(self._pool) as tx:
                await read_requests.renew(tx, set(self._leases.values()), LEASE)

    async def step(self) -> bool:
        """Takes what is due and waits until it is answered; False when nothing is."""
        begun = await self._begin()
        await asyncio.gather(*self._running.values(), return_exceptions=True)
        return begun

    async def _begin(self) -> bool:
        """A turn for each lane of each connection with something due, but for those that have one: one that hangs delays itself alone."""
        if len(self._running) >= CONNECTIONS:
            return False
        others = [*self._running, *self._gathering.resting(monotonic())]
        async with transaction(self._pool) as tx:
            configuration = await self._configuration.read(tx)
            token, due = await read_requests.lease(
                tx, self._clock.now(), count=AT_ONCE, within=LEASE, but_of=others, listed=LISTED_AT_ONCE
            )
        turns: dict[Turn, list[ReadRequest]] = defaultdict(list)
        for request in due:
            turns[request.connection, request.lane].append(request)
        for whose, requests in turns.items():
            connection = configuration.connections.get(whose[0])
            turn = (
                self._turn.forget(token, requests)
                if connection is None
                else self._turn.read(token, connection, requests, configuration)
            )
            task = asyncio.create_task(self._in_time(token, requests, turn), name=f"read:{whose[0]}:{whose[1]}")
            self._running[whose], self._leases[whose] = task, token
            rest = vendor_named(connection.vendor).reads.gathered_for if connection is not None else timedelta()
            full = len(requests) == (LISTED_AT_ONCE if whose[1] is Lane.BACKFILL else AT_ONCE)
            task.add_done_callback(partial(self._ended, whose, rest, full))
        return bool(due)

    async def _in_time(
        self, token: UUID, requests: Sequence[ReadRequest], turn: Coroutine[object, object, None]
    ) -> None:
        """A turn that takes too long is cut. No record is to blame: they come one after the other then, in smaller turns."""
        try:
            async with asyncio.timeout(TURN_S) as time:
                await turn
        except TimeoutError:
            if not time.expired():
                raise
            _log.warning("reader.turn_cut", connection=requests[0].connection, records=len(requests))
            await self._turn.wait(token, requests, apart=unread.PAUSE)

    def _ended(self, whose: Turn, rest: timedelta, full: bool, turn: asyncio.Task[None]) -> None:
        """Whatever went wrong in it, the others go on; its requests come again when their lease is over."""
        del self._running[whose], self._leases[whose]
        self._woken.set()
        seconds = self._gathering.ended(whose, rest, monotonic(), full=full)
        if seconds:
            asyncio.get_running_loop().call_later(seconds, self._woken.set)
        _tell_if_failed(turn)

    async def probe(self) -> None:
        """Asks vendors that are away whether they are back: some have no writer here that would, and one asks for all."""
        async with transaction(self._pool) as tx:
            configuration = await self._configuration.read(tx)
        by_vendor: dict[VendorName, list[Connection]] = defaultdict(list)
        for one in configuration.connections.values():
            if one.state == "active" and vendor_named(one.vendor).source is not None:
                by_vendor[one.vendor].append(one)
        for name, ours in by_vendor.items():
            if await self._outages[name].probe(ours, partial(self._door.open, vendor_named(name).profile)):
                self.wake()

    def _probe_in_time(self) -> None:
        if monotonic() >= self._next_probe and (self._probing is None or self._probing.done()):
            self._next_probe = monotonic() + PROBE_S
            self._probing = asyncio.create_task(self.probe(), name="probe vendors")
            self._probing.add_done_callback(_tell_if_failed)


def _tell_if_failed(task: asyncio.Task[None]) -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        _log.error("reader.turn_failed", task=task.get_name(), reason=str(error), exc_info=error)
