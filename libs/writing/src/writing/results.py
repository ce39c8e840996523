"""The transaction after a call: what came of it, with one verdict per row (R3, R5).

In: a call and its answers. Out: the rows that go on with another step. Durable with the commit: the intents closed, each row's end or
next state, what is known of its target, links, and the journal, all of it at once. A crash before it leaves the intents open: the rows
go on hold, and one look tells what the answer would have told (R2). A crash after it loses nothing: a row with more to do is taken
again when its lease runs out.
"""

from __future__ import annotations

import asyncio
from datetime import datetime

import structlog

from common.clock import Clock, monotonic
from common.failures import Failure, FailureClass
from common.metrics import Metrics
from common.state import awaiting
from common.state.pool import DbConnection, Pool, transaction
from common.state.trouble import DatabaseTrouble, trouble_of
from vendors.acts import Act, Done, NotSent, Verdict
from vendors.target import Target
from writing import figures, intents, needs, target_records, work_items
from writing.calls import Sent, Terms, refresh
from writing.claimed import Claimed
from writing.event_judgement import release
from writing.intent import Closing
from writing.items import Locked
from writing.judging import Judge, RowAnswer
from writing.pair_results import PairResults, known_by_link
from writing.result_transaction import ResultTransaction

STORE_PAUSE_S = 0.2
LONGEST_STORE_PAUSE_S = 5.0

_log = structlog.get_logger(__name__)


class Results:
    """Stores what came of calls."""

    def __init__(
        self, pool: Pool, clock: Clock, target: Target, terms: Terms, judge: Judge, *, metrics: Metrics, service: str
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._target = target
        self._terms = terms
        self._judge = judge
        self._metrics = metrics
        self._service = service

    async def store(self, sent: Sent, facts: object | None) -> list[Claimed]:
        """One transaction per call; returns the rows that go on with another step.

        An answer is worth waiting for: a database that is away is asked again until the horizon, when a look would tell as much.
        """
        pause, until = STORE_PAUSE_S, sent.call.began + self._terms.horizon.total_seconds()
        while True:
            try:
                return await self._store(sent, facts)
            except Exception as error:
                if trouble_of(error) is not DatabaseTrouble.AWAY or monotonic() + pause >= until:
                    raise
                _log.warning("writer.result_not_stored", attempt=sent.call.name, error=type(error).__name__)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_STORE_PAUSE_S)

    async def _store(self, sent: Sent, facts: object | None) -> list[Claimed]:
        result = ResultTransaction(self._target, self._clock.now())
        batch = sent.call.batch
        async with transaction(self._pool) as tx:
            await awaiting.together(tx, {one for row, _ in batch for one in row.item.awaited_in})
            locked = await needs.lock_with_waiting(tx, [row.item.key for row, _ in batch])
            before = [row.before(act) for row, act in batch]
            open_until_now = await intents.close(tx, _closings(sent), result.now)
            # The wanted key too: where a plan has nothing left to write, both sides say the same of it.
            keys = [(row, key) for row, act in batch for key in {act.key, row.item.target_key} if key]
            await refresh(tx, keys, result.now)
            made = [
                (row.item, one.id)
                for (row, _), one in zip(batch, sent.answers.verdicts, strict=True)
                if isinstance(one, Done)
            ]
            pairs = await PairResults.locked(tx, [row.item for row, _ in batch], result.now, made)
            for (row, act), verdict, was in zip(batch, sent.answers.verdicts, before, strict=True):
                answer = RowAnswer(sent, row, act, verdict, was, facts, locked[row.item.key])
                await self._row(tx, result, answer, closed_now=(sent.call.name, row.item.key) in open_until_now)
                if id := pairs.answered(row.item, sent.call.name, verdict):
                    known_by_link(result.known, row.item, act.key, id)
            await pairs.write(tx)
            result.entries += pairs.entries
            await result.write(tx)
            await self._release(tx, result, sent)
        figures.count(result, self._metrics, self._service)
        return result.going_on

    async def _row(self, tx: DbConnection, result: ResultTransaction, answer: RowAnswer, *, closed_now: bool) -> None:
        """R5: each row for itself, by whose it is now."""
        row, act, locked = answer.row, answer.act, answer.locked
        if locked.token == row.item.token:
            # A commit that was lost and happened after all is in the journal; what nobody knows comes there with the hold.
            if closed_now or _verdict_word(answer.verdict) == "unknown":
                self._judge.journal(result, answer)
            self._judge.judge(result, answer)
        elif closed_now and _rests_for_us(locked):
            # The database was away for longer than our lease: the row rests for want of this very answer.
            self._judge.journal(result, answer)
            self._judge.judge(result, answer)
            result.hand_over(row)
        elif closed_now or await self._corrects(tx, answer):
            # The attempt itself is closed even when the row belongs to somebody else by now.
            result.late.add(row.item.line)
            self._judge.journal(result, answer)
            await self._doubt(tx, row, act, result.now)

    async def _corrects(self, tx: DbConnection, answer: RowAnswer) -> bool:
        """Whether a look had missed what this late answer tells."""
        name, key = answer.sent.call.name, answer.row.item.key
        return isinstance(answer.verdict, Done) and await intents.correct_not_seen(tx, name, key)

    async def _doubt(self, tx: DbConnection, row: Claimed, act: Act, now: datetime) -> None:
        """A late answer: what is known of the target may be wrong, so it is looked at before anything is decided."""
        await target_records.doubt(tx, self._target, row.target(act.key), now)
        await work_items.reopen(tx, [row.item.key], now)

    async def _release(self, tx: DbConnection, result: ResultTransaction, sent: Sent) -> None:
        """R16: events that came during the call are judged now that it is over, and before anything else is planned."""
        learnt = await release(tx, {row.target(act.key) for row, act in sent.call.batch}, self._target, result.now)
        for row in result.going_on:
            row.known.update({key: learnt[row.target(key)] for key in row.known if row.target(key) in learnt})


def _rests_for_us(locked: Locked) -> bool:
    """On hold, and nobody looks after it yet."""
    return locked.state == "hold" and locked.token is None


def _closings(sent: Sent) -> list[Closing]:
    rows = [row.item.key for row, _ in sent.call.batch]
    found = [
        Closing(sent.call.name, key, "settled", _verdict_word(verdict), _stamp(verdict))
        for key, verdict in zip(rows, sent.answers.verdicts, strict=True)
    ]
    return [one for one in found if one.verdict != "unknown"]


def _stamp(verdict: Verdict) -> datetime | None:
    return verdict.stamp if isinstance(verdict, Done) else None


def _verdict_word(verdict: Verdict) -> str:
    match verdict:
        case Done():
            return "applied" if verdict.changed else "unchanged"
        case NotSent():
            return "not_sent"
        case Failure():
            # R2: this intent stays `sent`, it is still in flight.
            return "unknown" if verdict.kind is FailureClass.UNKNOWN else "refused"
