"""Reads by id that somebody asked for: thin webhooks, disputed seconds, deletions (R10, R12), within the vendor's budget.

A read's answer is published before its request is removed: a crash in between reads once more and publishes the same event again. An
answer that is not settled yet does not settle a dispute, so it is read again when its second is over.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import structlog

from common import failpoints
from common.bus.error_codes import HANDLER_BUG
from common.clock import Clock
from common.contracts.connections import Connection
from common.contracts.ids import ConnectionId
from common.failures import Bug, Failure
from common.http.call import Api
from common.state import read_requests
from common.state.configuration import ConfigurationReader
from common.state.pool import Pool, transaction
from common.state.read_requests import ReadRequest
from common.state.trouble import Trouble, trouble_of
from ingest.publishing import change_event, outgoing
from ingest.sends import Opens, SendsAll
from vendors.registry import vendor_named
from vendors.vendor import Source, State, Subject

AT_ONCE = 50
# Connections that are read at the same time; with AT_ONCE rows each at most, this bounds what is in flight.
CONNECTIONS = 100
# What one connection's turn may take: less than its lease, so that nobody else reads the same meanwhile.
TURN_S = 90.0
EVERY_S = 1.0
LEASE = timedelta(seconds=120)
LONGEST = timedelta(hours=1)

_log = structlog.get_logger(__name__)


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

    def wake(self) -> None:
        """There is something to read now."""
        self._woken.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Reads until the service stops."""
        stop = asyncio.create_task(stopping.wait())
        while not stopping.is_set():
            try:
                while not stopping.is_set() and await self._begin():
                    pass
            except Exception as error:
                if not isinstance(error, Failure) and trouble_of(error) is not Trouble.AWAY:
                    raise
                _log.warning("reader.later", reason=str(error))
            woken = asyncio.create_task(self._woken.wait())
            await asyncio.wait({stop, woken}, timeout=EVERY_S, return_when=asyncio.FIRST_COMPLETED)
            woken.cancel()
            self._woken.clear()
        for turn in (turns := list(self._turns.values())):
            # What was not answered is read again when its lease is over.
            turn.cancel()
        await asyncio.gather(*turns, return_exceptions=True)
        with contextlib.suppress(asyncio.CancelledError):
            await stop

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
            task = asyncio.create_task(asyncio.wait_for(turn, TURN_S), name=f"read:{connection_id}")
            self._turns[connection_id] = task
            task.add_done_callback(partial(self._ended, connection_id))
        return bool(due)

    def _ended(self, connection: ConnectionId, turn: asyncio.Task[None]) -> None:
        """Whatever went wrong in it, the others go on; its requests come again when their lease is over."""
        del self._turns[connection]
        self._woken.set()
        error = None if turn.cancelled() else turn.exception()
        if error is not None:
            _log.error("reader.turn_failed", connection=connection, reason=str(error), exc_info=error)

    async def _read(self, token: UUID, connection: Connection, requests: Sequence[ReadRequest]) -> None:
        vendor = vendor_named(connection.vendor)
        assert vendor.source is not None, f"somebody asked to read from {vendor.name}, which has no source"
        subjects = [Subject(request.entity, request.record) for request in requests]
        answers = await _answers(vendor.source, connection, subjects, self._door.open(vendor.profile, connection))
        settled, open_ones = self._sorted(requests, answers)
        await self._producer.send_all(
            [
                outgoing(change_event(connection.id, connection.vendor, state, "read"), traceparent=request.traceparent)
                for request, state in settled
            ]
        )
        await failpoints.hit("reader.after_produce")
        async with transaction(self._pool) as tx:
            for request, answer in open_ones:
                await read_requests.postpone(tx, token, [request], self._later(request, answer, vendor.source))
            await read_requests.answered(tx, token, [request for request, _ in settled])

    def _sorted(
        self, requests: Sequence[ReadRequest], answers: Sequence[State | Failure]
    ) -> tuple[list[tuple[ReadRequest, State]], list[tuple[ReadRequest, State | Failure]]]:
        settled: list[tuple[ReadRequest, State]] = []
        open_ones: list[tuple[ReadRequest, State | Failure]] = []
        for request, answer in zip(requests, answers, strict=True):
            if isinstance(answer, State) and not self._disputed(request, answer):
                settled.append((request, answer))
            else:
                open_ones.append((request, answer))
        return settled, open_ones

    def _disputed(self, request: ReadRequest, state: State) -> bool:
        """R10: an unsettled answer to a disputed second is one more opinion, not the verdict."""
        return request.reason == "unsettled" and not state.version.settled

    def _later(self, request: ReadRequest, answer: State | Failure, source: Source) -> datetime:
        now = self._clock.now()
        if isinstance(answer, State):
            return max(now, answer.version.stamp + source.settles_after)
        _log.warning(
            "reader.failed",
            connection=request.connection,
            entity=request.entity,
            record=request.record,
            reason=str(answer),
        )
        if answer.retry_at is not None:
            return answer.retry_at
        # Full jitter; it goes on for ever, once an hour in the end, because nothing that was asked is dropped.
        ceiling = min(LONGEST, timedelta(seconds=2) * 2 ** min(request.attempts, 12))
        wait: timedelta = ceiling * random.random()  # noqa: S311
        return now + wait

    async def _forget(self, token: UUID, requests: Sequence[ReadRequest]) -> None:
        """The connection was deleted: nobody may read there any more, and nobody wants to know."""
        async with transaction(self._pool) as tx:
            await read_requests.answered(tx, token, requests)


async def _answers(
    source: Source, connection: Connection, subjects: Sequence[Subject], api: Api
) -> Sequence[State | Failure]:
    """One answer a subject, whatever the vendor's code does: the record on which it breaks is found by reading each alone."""
    try:
        return await source.read(connection, subjects, api)
    except Failure as failure:
        return [failure] * len(subjects)
    except Exception as error:  # noqa: BLE001 - a bug of ours, kept with its record, which is read again later and later
        if len(subjects) > 1:
            return [(await _answers(source, connection, [one], api))[0] for one in subjects]
        return [Bug(HANDLER_BUG, f"Our code failed on this record: {type(error).__name__}.")]
