"""The two transactions around a call: the intents before it, and its result with one verdict per row (R3, R5)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from datetime import datetime

import structlog

from common.clock import Clock, monotonic, moved_by
from common.failures import Failure, FailureClass
from common.metrics import Metrics
from common.state import awaiting
from common.state import pool as state
from common.state.pool import Pool, transaction
from common.state.trouble import DatabaseTrouble, trouble_of
from vendors.absorbing import ActDone, Doubted, Refused, ToBeSent
from vendors.acts import Act, Done, Nothing, NotSent, Skip, Verdict
from vendors.target import Target
from vendors.target_record import TargetRecord
from writing import intents, journal_entries, links, target_records, verdicts, work_items
from writing.calls import Batch, Intended, Sent, Terms, first_bodies
from writing.claimed import Claimed
from writing.event_judgement import release
from writing.intent import Closing, intent_of
from writing.items import ItemKey, Locked
from writing.links import Reserving, rule_of
from writing.result_transaction import ResultTransaction, counted

_log = structlog.get_logger(__name__)

STORE_PAUSE_S = 0.2
LONGEST_STORE_PAUSE_S = 5.0


class Results:
    """Stores what is about to be sent and what came of it."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        target: Target,
        terms: Terms,
        *,
        metrics: Metrics,
        service: str,
        chance: random.Random,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._target = target
        self._terms = terms
        self._metrics = metrics
        self._service = service
        self._chance = chance

    async def intend(self, name: str, batch: Batch) -> Intended | None:
        """R3: stores the intents of those rows that are still ours, and says which, and when that was; None when none are."""
        now, began = self._clock.now(), monotonic()
        async with transaction(self._pool) as tx:
            mine = await work_items.still_mine(tx, [row.item for row, _ in batch], self._terms.lease)
            kept = [(row, act) for row, act in batch if row.item.key in mine]
            if not kept:
                return None
            # H is measured by the database's own time: a machine's clock that is set back makes no hold longer.
            stored_at = next(iter(mine.values())) + moved_by(self._clock)
            until = stored_at + self._terms.horizon
            fresh = [
                Reserving(row.item, rule_of(self._target, row.item), row.ownership.former)
                for row, act in kept
                if act.key == row.item.target_key
            ]
            await links.reserve(tx, fresh, now)
            await intents.store(tx, [intent_of(name, row.item, act, row.before(act), now, until) for row, act in kept])
            await self._before_sending(tx, kept, now)
            await work_items.keep_first_bodies(tx, first_bodies(self._target, kept))
        return Intended(name, kept, now, stored_at, began)

    async def _before_sending(self, tx: state.DbConnection, batch: Batch, now: datetime) -> None:
        """Keeps what nobody can know any more once the act is done."""

        def keeps(row: Claimed, act: Act) -> bool:
            known = row.known.get(act.key, TargetRecord())
            return self._target.absorb(known, ToBeSent(act)).record != known

        keeping = [(row, act) for row, act in batch if keeps(row, act)]
        await _refresh(tx, [(row, act.key) for row, act in keeping], now)
        for row, act in keeping:
            row.known[act.key] = self._target.absorb(row.known[act.key], ToBeSent(act)).record
        await target_records.save(tx, {row.target(act.key): row.known[act.key] for row, act in keeping}, now)

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
        name, batch = sent.call.name, sent.call.batch
        async with transaction(self._pool) as tx:
            await awaiting.together(tx, {row.item.account for row, _ in batch})
            locked = await work_items.lock(tx, [row.item.key for row, _ in batch])
            before = [row.before(act) for row, act in batch]
            open_until_now = await intents.close(tx, _closings(sent), result.now)
            # The wanted key too: where a plan has nothing left to write, both sides say the same of it.
            await _refresh(
                tx, [(row, key) for row, act in batch for key in {act.key, row.item.target_key} if key], result.now
            )
            for (row, act), verdict, was in zip(batch, sent.answers.verdicts, before, strict=True):
                key, closed_now = row.item.key, (name, row.item.key) in open_until_now
                # A commit that was lost and happened after all has told it already; what nobody knows is told with the hold.
                told = not closed_now and _verdict_word(verdict) != "unknown"
                if locked[key].token == row.item.token:
                    if not told:
                        self._tell(result, sent, row, act, verdict, was)
                    self._judge(result, sent, row, act, verdict, facts, locked[key])
                elif closed_now and _rests_for_us(locked[key]):
                    # The database was away for longer than our lease: the row rests for want of this very answer.
                    self._tell(result, sent, row, act, verdict, was)
                    self._judge(result, sent, row, act, verdict, facts, locked[key])
                    result.hand_over(row)
                elif closed_now or (isinstance(verdict, Done) and await _correct_not_seen(tx, name, key)):
                    # The attempt itself is closed even when the row belongs to somebody else by now.
                    result.late.add(row.item.line)
                    self._tell(result, sent, row, act, verdict, was)
                    await self._doubt(tx, row, act, result.now)
            await result.write(tx)
            await self._release(tx, result, sent)
        result.count(self._metrics, self._service)
        return result.going_on

    async def _doubt(self, tx: state.DbConnection, row: Claimed, act: Act, now: datetime) -> None:
        """A late answer: what is known of the target may be wrong, so it is looked at before anything is decided."""
        await target_records.doubt(tx, self._target, row.target(act.key), now)
        await work_items.reopen(tx, [row.item.key], now)

    async def _release(self, tx: state.DbConnection, result: ResultTransaction, sent: Sent) -> None:
        """R16: events that came during the call are judged now that it is over, and before anything else is planned."""
        told = await release(tx, {row.target(act.key) for row, act in sent.call.batch}, self._target, result.now)
        for row in result.going_on:
            row.known.update({key: told[row.target(key)] for key in row.known if row.target(key) in told})

    def _tell(
        self, result: ResultTransaction, sent: Sent, row: Claimed, act: Act, verdict: Verdict, before: object
    ) -> None:
        failure = verdict if isinstance(verdict, Failure) else None
        if isinstance(verdict, NotSent) or (failure is not None and never_sent(failure)):
            return
        name = sent.call.name
        result.entries.append(journal_entries.attempt(row.item, act, name, sent.answers.reply, failure, result.now))
        if isinstance(verdict, Done) and verdict.changed:
            assert isinstance(before, dict)
            result.entries.append(journal_entries.applied(row.item, act, name, before, result.now))

    def _judge(
        self,
        result: ResultTransaction,
        sent: Sent,
        row: Claimed,
        act: Act,
        verdict: Verdict,
        facts: object | None,
        locked: Locked,
    ) -> None:
        if sent.split:
            # Refused together with others: R1 holds for it as for any row, and nothing else has happened to it.
            result.go_on(row, locked, progress=False)
            return
        match verdict:
            case Done():
                result.learn(row, act.key, ActDone(act, verdict, sent.call.at, result.now))
                row.result_so_far = counted(row.result_so_far, act, changed=verdict.changed)
                row.call_group = ""
                row.written.add(act.key)
                row.first_body = None
            case NotSent():
                pass
            case Failure() as failure:
                known = row.known.get(act.key, TargetRecord())
                if self._target.absorb(known, Refused(failure)).record == known:
                    self._fail(result, sent, row, act, failure, locked)
                    return
                # A rule of the target's, and no failure: the plan is made with what is known now.
                result.learn(row, act.key, Refused(failure))
        # What was seen before the call may have changed during it.
        row.fresh.clear()
        step = row.step(self._target, facts)
        if isinstance(step, Nothing | Skip):
            result.finish(row, step, locked)
        elif isinstance(step, Failure):
            result.fail(row, verdicts.after_failure(step, locked.attempts, result.now, self._chance), locked)
        else:
            result.go_on(row, locked)

    def _fail(
        self, result: ResultTransaction, sent: Sent, row: Claimed, act: Act, failure: Failure, locked: Locked
    ) -> None:
        if failure.kind in (FailureClass.UNKNOWN, FailureClass.CONFLICT):
            result.learn(row, act.key, Doubted())
        if failure.kind is FailureClass.UNKNOWN:
            # R4: somebody looks once more, hours later.
            result.audits[row.target(act.key)] = row.item.key
        name, attempts = sent.call.name, locked.attempts
        if sent.answers.whole and len(sent.call.batch) > 1:
            # Together with others it may be innocent: it waits longer each time, and is never parked for them.
            attempts = min(attempts, verdicts.ATTEMPTS - 2)
        once = self._target.mode == "once" and self._target.brings(act)
        if once and failure.kind in (FailureClass.REJECTED, FailureClass.BUG):
            result.refused_bodies.append(row.item.key)
        next_state = verdicts.after_failure(
            failure, attempts, result.now, self._chance, hold_until=self._look_at(sent, failure), outage=sent.outage,
            call_group=name if sent.answers.whole else f"{name}/{row.item.key.record}",
            # R24: that a key is taken is known before a look-up shows by whom.
            again=self._terms.read_lag if once else verdicts.SOON,
        )  # fmt: skip
        result.fail(row, next_state, locked, name=name)

    def _look_at(self, sent: Sent, failure: Failure) -> datetime:
        """R2: after the horizon. R24: after a whole answer nothing is on its way, but a read may lag behind the write."""
        if failure.complete:
            return sent.call.after(self._terms.read_lag)
        return sent.call.stored_at + self._terms.horizon


def never_sent(failure: Failure) -> bool:
    """Whether nothing left this machine: waiting for quota or for a token is no attempt at the vendor."""
    own = failure.kind in (FailureClass.RATE_LIMITED, FailureClass.UNAUTHORISED) and failure.vendor_status is None
    return own or failure.code in verdicts.NEVER_SENT


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


async def _refresh(tx: state.DbConnection, keys: Sequence[tuple[Claimed, str]], now: datetime) -> None:
    """What is known now, locked: an event may have told more than what was known when the rows were taken."""
    current = await target_records.lock(tx, [row.target(key) for row, key in keys], now)
    for row, key in keys:
        row.known[key] = current[row.target(key)]


async def _correct_not_seen(tx: state.DbConnection, name: str, key: ItemKey) -> bool:
    """Whether a look has settled this intent as not applied: then the late answer corrects it."""
    word: str | None = await tx.fetchval(
        """
        update flow.write_intent set verdict = 'applied'
         where attempt = $1 and sync = $2 and entity = $3 and record = $4 and verdict in ('not_seen', 'not_looked')
        returning attempt
        """,
        name,
        *key,
    )
    return word is not None
