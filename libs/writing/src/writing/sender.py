"""Sends batches of acts: each call between its two transactions, in parts where a whole call fails (R3).

In: rows with the acts planned for them. Out: the rows that go on. Durable before a call: its intents (`before_call.py`); after it: its
results (`results.py`). A crash between the two leaves the outcome unknown: the rows go on hold, and one look settles them (R2).
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

import structlog

from common import failpoints
from common.failures import Failure
from common.http.outage import Outage
from writing.before_call import BeforeCall
from writing.caller import Answers, VendorCaller
from writing.calls import Batch, Intended, Sent
from writing.claimed import Claimed
from writing.results import Results
from writing.splitting import Hunt, is_about_some_row, parts

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Called:
    """What came of one call: the rows that go on, or those that were refused together and go on in parts."""

    going_on: list[Claimed]
    refused: Batch = ()
    passed: bool = False


class Sender:
    """Makes the calls of one target."""

    def __init__(self, before: BeforeCall, results: Results, outage: Outage) -> None:
        self._before = before
        self._results = results
        self._outage = outage

    async def send(self, batch: Batch, caller: VendorCaller) -> list[Claimed]:
        """Brings one batch through, in one call where that is possible; returns the rows that go on."""
        hunt = Hunt(len(batch))
        if len(batch) > 1 and batch[0][0].call_group:
            return await self._part(batch, caller, hunt)
        return await self._whole(batch, caller, hunt)

    async def _whole(self, batch: Batch, caller: VendorCaller, hunt: Hunt) -> list[Claimed]:
        """A batch of which nothing bad is known."""
        done = await self._call(batch, caller, hunt)
        return [*done.going_on, *(await self._part(done.refused, caller, hunt) if done.refused else ())]

    async def _part(self, batch: Batch, caller: VendorCaller, hunt: Hunt) -> list[Claimed]:
        """A batch that was refused or broken whole: one of it is guilty, and is left alone in the end (`splitting.py`)."""
        if len(batch) == 1:
            return await self._whole(batch, caller, hunt)
        first, others = parts(batch)
        done = await self._call(first, caller, hunt)
        rest = [*done.going_on, *(await self._part(done.refused, caller, hunt) if done.refused else ())]
        onwards = self._part if done.passed else self._whole
        return [*rest, *await onwards(others, caller, hunt)]

    async def _call(self, batch: Batch, caller: VendorCaller, hunt: Hunt) -> _Called:
        """One call between its two transactions."""
        async with caller.line:
            if caller.stops(self._outage, batch[0][0].item.spot):
                return _Called([row for row, _ in batch])
            call = await self._before.intend(uuid4().hex, batch)
            if call is None:
                return _Called([])
            await failpoints.hit("executor.after_intent")
            facts = call.batch[0][0].facts
            answers = await caller.call(call.name, call.batch, facts)
            await failpoints.hit("executor.after_answer")
            sent = await self._judged(call, answers, caller, hunt)
            going_on = await self._results.store(sent, facts)
        await failpoints.hit("executor.after_result")
        _log_attempt(sent, len(going_on))
        if sent.split:
            kept = {row.item.key for row in going_on}
            return _Called([], refused=[(row, act) for row, act in call.batch if row.item.key in kept])
        return _Called(going_on, passed=answers.whole is None)

    async def _judged(self, call: Intended, answers: Answers, caller: VendorCaller, hunt: Hunt) -> Sent:
        """What a failure of the whole call is about: some row of it, the vendor, or nobody knows."""
        hunt.tell(answers.whole)
        answered_at = call.now()
        if not is_about_some_row(answers.whole, len(call.batch)):
            failed = [(row.item.spot, one) for (row, _), one in zip(call.batch, answers.verdicts, strict=True)]
            outage = await self._outage.is_on(caller.connection, failed, caller.api)
            return Sent(call, answers, answered_at, outage=outage)
        return Sent(call, answers, answered_at, split=not hunt.is_vain)


def _log_attempt(sent: Sent, going_on: int) -> None:
    answers, (row, act) = sent.answers, sent.call.batch[0]
    failed = sum(isinstance(verdict, Failure) for verdict in answers.verdicts)
    _log.info(
        "write.attempted", attempt=sent.call.name, connection=row.item.connection, action=act.action, rows=len(sent.call.batch),
        failed=failed, status=answers.reply.status, duration_s=answers.reply.duration_s, going_on=going_on,
        parted=sent.split, outage=sent.outage,
    )  # fmt: skip
