"""Fetches what came of deferred calls, and settles each of their rows by its own verdict (R5).

In: calls that are due, one at a time under a lease. Out: verdicts, to `results.py`, as after any other call. Nothing is durable here but
when to ask next. A crash before the results are stored asks again when the lease is over; the vendor keeps them for days.

A row without a verdict, or with one that nobody can read, is on hold for the vendor's read lag and looked at then (R2); a failure of one
row is that row's alone. A call that has not ended in its time is called off, and its rows are looked at after the horizon; so are those
of a call that the vendor does not have.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

import structlog

from common import failpoints
from common.clock import Clock, moved_by
from common.contracts.connections import Connection
from common.contracts.ids import ConnectionId, Entity, RunId
from common.failures import Failure, FailureClass, Rejected, Unknown
from common.http.call import Api
from common.state import runs
from common.state.pool import Pool, connection, transaction
from vendors.acts import Answered, Verdict
from vendors.deferred import Deferred
from vendors.target import Target
from writing import deferred_calls, intents
from writing.codes import DEFERRED_UNTOLD
from writing.deferred_calls import DeferredCall
from writing.deferred_rows import DeferredRows
from writing.intent import Intent
from writing.journal_entries import CallReply
from writing.queue import closed_places
from writing.vendor_code import vendor_code

# After so many results that nobody could read, looks tell more.
TRIES = 5
SOON = timedelta(seconds=5)

_log = structlog.get_logger(__name__)


class Collector:
    """Looks after the deferred calls of one vendor."""

    def __init__(self, pool: Pool, clock: Clock, targets: Mapping[Entity, Target], rows: DeferredRows) -> None:
        self._pool = pool
        self._clock = clock
        self._targets = targets
        self._rows = rows

    async def due(self, connections: Sequence[ConnectionId]) -> set[ConnectionId]:
        """The connections with calls to ask about; none, and no question, where no target has any."""
        if not any(target.deferred for target in self._targets.values()):
            return set()
        async with connection(self._pool) as link:
            return await deferred_calls.due(link, connections, moved_by(self._clock), self._clock.now())

    async def collect(self, account: Connection, api: Api, line: asyncio.Semaphore) -> bool:
        """Asks about one call; whether there was one."""
        async with transaction(self._pool) as tx:
            closed = await closed_places(tx, account.id, self._clock.now())
            call = None if closed is None else await deferred_calls.take(tx, account.id, moved_by(self._clock), closed)
            its = [] if call is None else await intents.open_in(tx, call.attempt)
            await runs.called(tx, {(RunId(one.run), one.connection): 1 for one in its}, self._clock.now())
        if call is None:
            return False
        deferred = self._targets[call.entity].deferred
        if not its or deferred is None:
            await self._remove(call)
            return True
        async with line:
            told = await self._told(call, its, deferred, api)
        await failpoints.hit("deferred.after_answer")
        await self._end(call, its, told)
        return True

    async def _told(
        self, call: DeferredCall, its: Sequence[Intent], deferred: Deferred, api: Api
    ) -> Answered | Failure | None:
        """What came of it, a failure that is about all of it, or None while nobody can tell."""
        try:
            with vendor_code():
                # Where its answer was lost, the vendor is asked by its name whether it has it.
                handle = call.handle or await deferred.find(call.attempt, call.size, call.sent_at, api)
                if handle is None:
                    return None
                if not handle:
                    return _nowhere() if call.arrived else None
                answered = await deferred.results(call.place, handle, call.attempt, [one.act for one in its], api)
                if answered is None and call.over:
                    await deferred.call_off(handle, api)
                if answered is not None and len(answered.verdicts) != len(its):
                    raise ValueError(f"{len(answered.verdicts)} verdicts on {len(its)} rows")
                return answered
        except Failure as failure:
            return failure

    async def _end(self, call: DeferredCall, its: Sequence[Intent], told: Answered | Failure | None) -> None:
        if isinstance(told, Answered):
            await self._settle(call, its, told.verdicts, CallReply.of(told.answer, told.answer.duration_s))
        elif isinstance(told, Failure) and (_is_final(told) or call.tries + _is_unread(told) >= TRIES):
            _log.warning("write.not_collected", attempt=call.attempt, code=told.code, message=told.message)
            await self._settle(call, its, [_untold()] * len(its), CallReply.of(told, 0.0))
        elif told is None and call.over:
            # It was called off, or never found: its rows are on hold until whatever it had begun is over.
            await self._remove(call)
        else:
            await self._again(call, call.pause, tries=call.tries + _is_unread(told))

    async def _settle(
        self, call: DeferredCall, its: Sequence[Intent], verdicts: Sequence[Verdict], reply: CallReply
    ) -> None:
        if not await self._rows.settle(call, its, verdicts, reply):
            # Somebody has a row of it: one who died, until the lease is over.
            await self._again(call, SOON, tries=call.tries)
            return
        await failpoints.hit("deferred.after_result")
        await self._remove(call)
        failed = sum(isinstance(one, Failure) for one in verdicts)
        _log.info("write.collected", attempt=call.attempt, rows=len(its), failed=failed)

    async def _again(self, call: DeferredCall, pause: timedelta, *, tries: int) -> None:
        async with transaction(self._pool) as tx:
            await deferred_calls.again(tx, call.attempt, pause, moved_by(self._clock), tries=tries)

    async def _remove(self, call: DeferredCall) -> None:
        async with transaction(self._pool) as tx:
            await deferred_calls.remove(tx, call.attempt)


def _is_final(failure: Failure) -> bool:
    """The vendor does not have it any more, or our code cannot read what it says."""
    return failure.about == "call" and failure.kind in (FailureClass.REJECTED, FailureClass.BUG)


def _is_unread(told: Answered | Failure | None) -> bool:
    """It has ended, and nobody can read what came of it."""
    return isinstance(told, Failure) and told.kind is FailureClass.UNKNOWN


def _nowhere() -> Rejected:
    """It has never arrived, and cannot any more."""
    return Rejected(DEFERRED_UNTOLD.name, DEFERRED_UNTOLD.meaning)


def _untold() -> Unknown:
    return Unknown(DEFERRED_UNTOLD.name, DEFERRED_UNTOLD.meaning)
