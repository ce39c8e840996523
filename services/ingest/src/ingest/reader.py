"""Reads by id that somebody asked for: thin webhooks, disputed seconds, deletions (R10, R12), within the vendor's budget.

A read's answer is published before its request is removed: a crash in between reads once more and publishes the same event again. An
answer that is not settled yet does not settle a dispute, so it is read again when its second is over. What cannot be read ends as a dead
letter (`unread.py`), in the transaction that removes its request.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from uuid import UUID

import structlog

from common import failpoints
from common.bus.error_codes import HANDLER_BUG
from common.clock import Clock, monotonic
from common.contracts.connections import Connection
from common.contracts.ids import ConnectionId, VendorName
from common.failures import Bug, Failure
from common.http.call import Api
from common.http.outage import Outage
from common.loops import Loop
from common.state import read_requests
from common.state.configuration import ConfigurationReader
from common.state.pool import Pool, transaction
from common.state.read_requests import Later, ReadRequest
from ingest import unread
from ingest.publishing import change_event, outgoing
from ingest.sends import Opens, SendsAll
from ingest.unread import Unread
from vendors.registry import VENDORS, vendor_named
from vendors.vendor import Source, State, Subject

AT_ONCE = 50
# Connections that are read at the same time; with AT_ONCE rows each at most, this bounds what is in flight.
CONNECTIONS = 100
# What one connection's turn may take: less than its lease, so that nobody else reads the same meanwhile.
TURN_S = 90.0
EVERY_S = 1.0
LEASE = timedelta(seconds=120)
# Whether a probe is due; which steps lie between them the gate knows.
PROBE_S = 2.0

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Turn:
    """What came of one connection's turn."""

    settled: list[tuple[ReadRequest, State]] = field(default_factory=list)
    later: list[Later] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)

    def failed(self, request: ReadRequest, failure: Failure, end: Later | Unread) -> None:
        _log.warning(
            "reader.failed", connection=request.connection, entity=request.entity, record=request.record,
            reason=str(failure), ended=isinstance(end, Unread),
        )  # fmt: skip
        if isinstance(end, Later):
            self.later.append(end)
        else:
            self.unread.append(end)


class Reader:
    """Works off `flow.read_request`; several may run."""

    def __init__(
        self, pool: Pool, door: Opens, producer: SendsAll, configuration: ConfigurationReader, clock: Clock
    ) -> None:
        self._pool = pool
        self._door = door
        self._producer = producer
        self._configuration = configuration
        self._clock = clock
        self._woken = asyncio.Event()
        self._turns: dict[ConnectionId, asyncio.Task[None]] = {}
        self._probing: asyncio.Task[None] | None = None
        self._next_probe = 0.0
        self._loop = Loop("reader", EVERY_S, self._look_round, woken=self._woken)
        self.look = self._loop.look
        self._outages = {name: Outage(pool, clock, vendor.ping) for name, vendor in VENDORS.items()}

    def wake(self) -> None:
        """There is something to read now."""
        self._woken.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Reads until the service stops, and looks after vendors that are away."""
        try:
            await self._loop.run(stopping)
        finally:
            for turn in (turns := [*self._turns.values(), *([self._probing] if self._probing else [])]):
                # What was not answered is read again when its lease is over.
                turn.cancel()
            await asyncio.gather(*turns, return_exceptions=True)

    async def _look_round(self) -> bool:
        self._probe_in_time()
        return await self._begin()

    async def step(self) -> bool:
        """Takes what is due and waits until it is answered; False when nothing is."""
        begun = await self._begin()
        await asyncio.gather(*self._turns.values(), return_exceptions=True)
        return begun

    async def _begin(self) -> bool:
        """A turn for each connection with something due, but for those that have one: one that hangs delays itself alone."""
        if len(self._turns) >= CONNECTIONS:
            return False
        async with transaction(self._pool) as tx:
            configuration = await self._configuration.read(tx)
            token, due = await read_requests.lease(
                tx, self._clock.now(), count=AT_ONCE, within=LEASE, but_of=list(self._turns)
            )
        by_connection: dict[ConnectionId, list[ReadRequest]] = defaultdict(list)
        for request in due:
            by_connection[request.connection].append(request)
        for connection_id, requests in by_connection.items():
            connection = configuration.connections.get(connection_id)
            turn = self._forget(token, requests) if connection is None else self._read(token, connection, requests)
            task = asyncio.create_task(self._in_time(token, requests, turn), name=f"read:{connection_id}")
            self._turns[connection_id] = task
            task.add_done_callback(partial(self._ended, connection_id))
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
            await self._wait(token, requests, apart=unread.PAUSE)

    def _ended(self, connection: ConnectionId, turn: asyncio.Task[None]) -> None:
        """Whatever went wrong in it, the others go on; its requests come again when their lease is over."""
        del self._turns[connection]
        self._woken.set()
        _tell_if_failed(turn)

    async def _read(self, token: UUID, connection: Connection, requests: Sequence[ReadRequest]) -> None:
        vendor, outage = vendor_named(connection.vendor), self._outages[connection.vendor]
        source = vendor.source
        assert source is not None, f"somebody asked to read from {vendor.name}, which has no source"
        # It was leased, so nobody found a gate there.
        outage.is_open(connection.id)
        try:
            api = self._door.open(vendor.profile, connection)
        except Failure as refusal:
            # The connection itself leads nowhere: a person has to look at it, and its records wait.
            await outage.refuse(connection, "", refusal)
            await self._wait(token, requests)
            return
        await failpoints.hit("reader.after_lease")
        subjects = [Subject(request.entity, request.record) for request in requests]
        answers = await _answers(source, connection, subjects, api)
        away = await outage.is_on(connection, [("", one) for one in answers], api)
        await failpoints.hit("reader.after_answer")
        await self._store(token, connection, self._sorted(requests, answers, source, away))

    async def _store(self, token: UUID, connection: Connection, turn: _Turn) -> None:
        await self._producer.send_all(
            [
                outgoing(change_event(connection.id, connection.vendor, state, "read"), traceparent=request.traceparent)
                for request, state in turn.settled
            ]
        )
        await failpoints.hit("reader.after_produce")
        async with transaction(self._pool) as tx:
            await read_requests.postpone(tx, token, turn.later)
            ended = await read_requests.answered(tx, token, [one.request for one in turn.unread])
            # Only whoever still has the lease may say that a read has ended.
            await unread.write(tx, connection, [one for one in turn.unread if one.request in ended], self._clock.now())
            await read_requests.answered(tx, token, [request for request, _ in turn.settled])

    def _sorted(
        self, requests: Sequence[ReadRequest], answers: Sequence[State | Failure], source: Source, away: bool
    ) -> _Turn:
        turn, now = _Turn(), self._clock.now()
        for request, answer in zip(requests, answers, strict=True):
            if isinstance(answer, Failure):
                turn.failed(request, answer, unread.after_failure(request, answer, now, outage=away))
            elif self._disputed(request, answer):
                due = max(now, answer.version.stamp + source.settles_after)
                turn.later.append(Later(request, due, free=True))
            else:
                turn.settled.append((request, answer))
        return turn

    def _disputed(self, request: ReadRequest, state: State) -> bool:
        """R10: an unsettled answer to a disputed second is one more opinion, not the verdict."""
        return request.reason == "unsettled" and not state.version.settled

    async def _wait(self, token: UUID, requests: Sequence[ReadRequest], apart: timedelta = timedelta(0)) -> None:
        until = self._clock.now() + unread.PAUSE
        later = [Later(one, until + apart * number, free=True) for number, one in enumerate(requests)]
        async with transaction(self._pool) as tx:
            await read_requests.postpone(tx, token, later)

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

    async def _forget(self, token: UUID, requests: Sequence[ReadRequest]) -> None:
        """The connection was deleted: nobody may read there any more, and nobody wants to know."""
        async with transaction(self._pool) as tx:
            await read_requests.answered(tx, token, requests)


def _tell_if_failed(task: asyncio.Task[None]) -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        _log.error("reader.turn_failed", task=task.get_name(), reason=str(error), exc_info=error)


async def _answers(
    source: Source, connection: Connection, subjects: Sequence[Subject], api: Api
) -> Sequence[State | Failure]:
    """One answer a subject, whatever the vendor's code does: the record on which it breaks is found by reading each alone."""
    try:
        return await source.read(connection, subjects, api)
    except Failure as failure:
        return [failure] * len(subjects)
    except Exception as error:  # noqa: BLE001 - a bug of ours, and the end of its record alone
        if len(subjects) > 1:
            return [(await _answers(source, connection, [one], api))[0] for one in subjects]
        return [Bug(HANDLER_BUG, f"Our code failed on this record: {type(error).__name__}.")]
