"""What the answer to one row of a call makes of the row: its next step, its end, or what its failure leads to (R1, R2, R4, R24).

In: a verdict, and the row as it is locked. Out: everything that it changes, gathered in a `ResultTransaction`; nothing is durable here.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from common.failures import Failure, FailureClass
from common.retries import ATTEMPTS, NEVER_SENT
from vendors.absorbing import ActDone, Doubted, Refused
from vendors.acts import Act, Done, Nothing, NotSent, Skip, Verdict
from vendors.target import Target
from vendors.target_record import TargetRecord
from writing import journal_entries, verdicts
from writing.calls import Sent, Terms
from writing.claimed import Claimed
from writing.items import Locked, NextState
from writing.result_transaction import ResultTransaction
from writing.run_lines import counted


class RowAnswer(NamedTuple):
    """What a call has answered to one of its rows."""

    sent: Sent
    row: Claimed
    act: Act
    verdict: Verdict
    before: Mapping[str, Any]
    """What the fields were of which the act says what they become."""
    facts: object | None
    """Of the place, as the act was planned."""
    locked: Locked


class Judge:
    """Judges answers, row by row."""

    def __init__(self, target: Target, terms: Terms, chance: random.Random) -> None:
        self._target = target
        self._terms = terms
        self._chance = chance

    def journal(self, result: ResultTransaction, answer: RowAnswer) -> None:
        """The attempt, and what it has changed; nothing of what never left this machine."""
        verdict, (sent, row, act) = answer.verdict, answer[:3]
        failure = verdict if isinstance(verdict, Failure) else None
        if isinstance(verdict, NotSent) or (failure is not None and never_sent(failure)):
            return
        name = sent.call.name
        result.entries.append(journal_entries.attempt(row.item, act, name, sent.answers.reply, failure, result.now))
        if isinstance(verdict, Done) and verdict.changed:
            result.entries.append(journal_entries.applied(row.item, act, name, answer.before, result.now))

    def judge(self, result: ResultTransaction, answer: RowAnswer) -> None:
        """What the row does next."""
        row, act, verdict = answer.row, answer.act, answer.verdict
        if answer.sent.split:
            # Refused together with others: R1 holds for it as for any row, and nothing else has happened to it.
            result.go_on(row, answer.locked, progress=False)
            return
        if isinstance(verdict, Done):
            self._learn(result, answer, verdict)
        elif isinstance(verdict, Failure):
            known = row.known.get(act.key, TargetRecord())
            if self._target.absorb(known, Refused(verdict)).record == known:
                self._fail(result, answer, verdict)
                return
            # A rule of the target's, and no failure: the plan is made with what is known now.
            result.learn(row, act.key, Refused(verdict))
        # What was seen before the call may have changed during it.
        row.fresh.clear()
        if answer.sent.later:
            # Whoever takes it next plans what is left, as for any wish.
            result.fates[row.item.key] = NextState("ready", result.now, result_so_far=row.result_so_far)
        else:
            self._plan(result, answer)

    def _learn(self, result: ResultTransaction, answer: RowAnswer, done: Done) -> None:
        row, act = answer.row, answer.act
        result.learn(row, act.key, ActDone(act, done, answer.sent.call.at, result.now))
        row.result_so_far = counted(row.result_so_far, act, changed=done.changed)
        row.call_group = ""
        row.written.add(act.key)
        row.first_body = None

    def _plan(self, result: ResultTransaction, answer: RowAnswer) -> None:
        row, locked = answer.row, answer.locked
        step = row.step(self._target, answer.facts)
        if isinstance(step, Nothing | Skip):
            result.finish(row, step, locked)
        elif isinstance(step, Failure):
            result.fail(row, verdicts.after_failure(step, locked.attempts, result.now, self._chance), locked)
        else:
            result.go_on(row, locked)

    def _fail(self, result: ResultTransaction, answer: RowAnswer, failure: Failure) -> None:
        sent, row, act = answer[:3]
        if failure.kind in (FailureClass.UNKNOWN, FailureClass.CONFLICT):
            result.learn(row, act.key, Doubted())
        if failure.kind is FailureClass.UNKNOWN:
            # R4: somebody looks once more, hours later.
            result.audits[row.target(act.key)] = row.item.key
        name, attempts = sent.call.name, answer.locked.attempts
        if sent.answers.whole and len(sent.call.batch) > 1:
            # Together with others it may be innocent: it waits longer each time, and is never parked for them.
            attempts = min(attempts, ATTEMPTS - 2)
        brings = self._target.brings(act)
        if brings and failure.kind in (FailureClass.REJECTED, FailureClass.BUG):
            result.refused.append(row.item)
        next_state = verdicts.after_failure(
            failure, attempts, result.now, self._chance, hold_until=self._look_at(sent, failure), outage=sent.outage,
            call_group=name if sent.answers.whole else f"{name}/{row.item.key.record}",
            # R24: that a key is taken is known before a look-up shows by whom.
            again=self._terms.read_lag if brings and self._target.mode == "once" else verdicts.SOON,
        )  # fmt: skip
        result.fail(row, next_state, answer.locked, name=name)

    def _look_at(self, sent: Sent, failure: Failure) -> datetime:
        """R2: after the horizon. R24: after a whole answer nothing is on its way, but a read may lag behind the write."""
        if failure.complete:
            return sent.answered_at + self._terms.read_lag
        return (sent.answered_at if sent.later else sent.call.stored_at) + self._terms.horizon


def never_sent(failure: Failure) -> bool:
    """Whether nothing left this machine: waiting for quota or for a token is no attempt at the vendor."""
    own = failure.kind in (FailureClass.RATE_LIMITED, FailureClass.UNAUTHORISED) and failure.vendor_status is None
    return own or failure.code in NEVER_SENT
