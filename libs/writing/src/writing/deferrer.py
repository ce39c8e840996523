"""Hands in calls that the vendor carries out later: from so many changes of one place on as its target says (`vendors/deferred.py`).

In: rows with the acts planned for them. Out: the rows that go on by themselves. Durable before the call: its intents, and the call (R3);
after it: the vendor's handle, and every row on hold without anybody's lease, its keys kept. What was said in between is the newest wish,
and has its turn when this one is over (R1). The results are fetched by `collector.py`.

A crash before the call, during it, or before its handle is stored: the call stands in the database without a handle. It is looked for among
what the vendor has, by its name. What is not found, or not told in time, is settled by looks, as after any outcome that nobody saw (R2).

A call that is refused has done nothing: its rows go on one by one, so that the one for which it was refused stands alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from uuid import uuid4

import structlog

from common import failpoints
from common.clock import Clock, moved_by
from common.contracts.ids import RunId
from common.failures import Failure, FailureClass
from common.http.outage import Outage
from common.journal import Step
from common.state import run_ends
from common.state.pool import Pool, connection, transaction
from common.state.run_ends import Left
from vendors.deferred import Deferred
from vendors.target import Target
from writing import choice, deferred_calls, journal_entries, work_items
from writing.before_call import BeforeCall
from writing.caller import Answers, VendorCaller
from writing.calls import Batch, Intended, Sent, Terms
from writing.choice import Chosen, Rows
from writing.claimed import Claimed
from writing.items import NextState
from writing.journal_entries import CallReply
from writing.result_transaction import ResultTransaction
from writing.results import Results

DEFERRED = "deferred"
_REFUSED = (FailureClass.REJECTED, FailureClass.BUG, FailureClass.CONFLICT, FailureClass.RATE_LIMITED)

_log = structlog.get_logger(__name__)


class Deferrer:
    """Makes the deferred calls of one target."""

    def __init__(
        self, pool: Pool, clock: Clock, target: Target, terms: Terms, before: BeforeCall, results: Results, outage: Outage
    ) -> None:  # fmt: skip
        self._pool = pool
        self._clock = clock
        self._target = target
        self._terms = terms
        self._before = before
        self._results = results
        self._outage = outage

    async def choose(self, acts: Rows) -> Chosen:
        """What is handed in together, what waits for others first, and what goes as ever."""
        deferred = self._target.deferred
        if deferred is None:
            return Chosen([], [], acts)
        return choice.choose(acts, deferred, await self._left(choice.jobs(acts, deferred)))

    async def _left(self, jobs: set[RunId]) -> Mapping[RunId, Left]:
        if not jobs:
            return {}
        async with connection(self._pool) as link:
            return await run_ends.left(link, jobs)

    def left(self, acts: Rows) -> Counter[str]:
        """How many of each place would have gone together if they were more."""
        deferred = self._target.deferred
        return Counter(row.item.place for row, _ in choice.that_may_wait(acts, deferred)) if deferred else Counter()

    async def hand_in(self, batch: Batch, caller: VendorCaller) -> list[Claimed]:
        """One call between its two transactions; returns the rows that go on here."""
        deferred = self._target.deferred
        assert deferred is not None
        async with caller.line:
            if caller.stops(self._outage, batch[0][0].item.spot):
                return [row for row, _ in batch]
            call = await self._before.intend(uuid4().hex, batch, deferred)
            if call is None:
                return []
            await failpoints.hit("executor.after_intent")
            handle = await caller.hand_in(call.name, call.batch, deferred)
            await failpoints.hit("deferred.after_hand_in")
            if isinstance(handle, Failure) and handle.kind is not FailureClass.UNKNOWN:
                return await self._refused(call, handle, caller)
            if isinstance(handle, Failure):
                await self._away(call, handle, caller)
            await self._rest(call, "" if isinstance(handle, Failure) else handle, self._until(call, deferred))
        return []

    def _until(self, call: Intended, deferred: Deferred) -> datetime:
        return call.stored_at + deferred.longest + self._terms.horizon

    async def _rest(self, call: Intended, handle: str, until: datetime) -> None:
        """R2: in flight until its results are there, whoever has the rows by then. Nobody's attempt."""
        result = ResultTransaction(self._target, self._clock.now())
        async with transaction(self._pool) as tx:
            locked = await work_items.lock(tx, [row.item.key for row, _ in call.batch])
            for row, act in call.batch:
                now = locked[row.item.key]
                if now.token != row.item.token:
                    continue
                result.fates[row.item.key] = NextState(
                    "hold", until, hold_until=until, attempts=now.attempts, result_so_far=row.result_so_far
                )
                result.entries.append(
                    journal_entries.entry(
                        row.item, Step.HELD, result.now, reason=DEFERRED, attempt=call.name, target_key=act.key,
                        details={"due_at": until.isoformat()},
                    )
                )  # fmt: skip
            await result.write(tx)
            if handle:
                await deferred_calls.handed_in(tx, call.name, handle, moved_by(self._clock))
        _log.info("write.deferred", attempt=call.name, rows=len(call.batch), handed_in=bool(handle))

    async def _refused(self, call: Intended, failure: Failure, caller: VendorCaller) -> list[Claimed]:
        """Nothing was taken. A refusal of the call is about some row or about calls of this kind: its rows go on one by one."""
        parted = failure.about == "call" and failure.kind in _REFUSED and failure.vendor_status is not None
        outage = False if parted else await self._away(call, failure, caller)
        answers = Answers([failure] * len(call.batch), CallReply.of(failure, 0.0), failure)
        going_on = await self._results.store(Sent(call, answers, call.now(), split=parted, outage=outage), None)
        async with transaction(self._pool) as tx:
            await deferred_calls.remove(tx, call.name)
        for row in going_on:
            row.alone = True
        return going_on

    async def _away(self, call: Intended, failure: Failure, caller: VendorCaller) -> bool:
        failed = [(row.item.spot, failure) for row, _ in call.batch]
        return await self._outage.is_on(caller.connection, failed, caller.api)
