"""The one place that decides what becomes of a record after a failure.

TRANSIENT      again by the schedule: full jitter between nothing and a delay that doubles from 2 s to 15 min; 12 attempts, then parked
UNKNOWN        on hold until the vendor's horizon, then one look (R2); an attempt like any other, and by the same schedule: after the
               look it waits, is sent apart from others, and is parked after 12
RATE_LIMITED   again when the vendor says; no attempt
UNAUTHORISED   waits for the connection's gate, which the token-broker closes and opens; no attempt
CONFLICT       read again, decide again, five times at once and then by the schedule; an attempt, so that it ends
REJECTED       never: dead at once, or left alone where the refusal is a rule of the target's
BUG            dead at once, and somebody looks at the code

Whatever is about the account, a place in it, all that a leg would write, or the vendor as a whole is no record's fault: a gate closes
(`outage.py`), and no attempt.
"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta

from common import retries
from common.failures import Failure, FailureClass, Transient
from common.retries import ATTEMPTS, NEVER_SENT
from common.state.gates import LEG_AGAIN
from writing.codes import ATTEMPTS_EXHAUSTED, BEHIND_GATE
from writing.items import Item, NextState

LONGEST_DELAY = timedelta(minutes=15)
# The gate is closed by then; where it is not, the connection is asked again so often and no more.
GATE_PAUSE = timedelta(seconds=5)
QUOTA_PAUSE = timedelta(seconds=2)
SOON = timedelta(milliseconds=200)
ROUNDS = 5
"""So often somebody may have been faster, before it is a habit of theirs."""


def after_failure(
    failure: Failure,
    attempts: int,
    now: datetime,
    chance: random.Random,
    *,
    hold_until: datetime | None = None,
    call_group: str = "",
    outage: bool = False,
    again: timedelta = SOON,
) -> NextState:
    """What becomes of a record whose call failed; `attempts` counts those before this one.

    `call_group` names a call that broke for all of its rows; in an `outage` nothing is anybody's fault. `again`: how long after a conflict
    the target shows what it was about.
    """
    if failure.about != "call":
        return NextState("waiting", now + GATE_PAUSE, attempts=attempts, reason=failure.code, failure=failure)
    match failure.kind:
        case FailureClass.UNKNOWN:
            until = hold_until or now
            if outage:
                return NextState("hold", until, hold_until=until, attempts=attempts, failure=failure)
            counted = attempts + 1
            return NextState("hold", until, hold_until=until, attempts=counted, failure=failure, call_group=call_group)
        case FailureClass.RATE_LIMITED:
            return NextState("waiting", failure.retry_at or now + QUOTA_PAUSE, attempts=attempts, failure=failure)
        case FailureClass.UNAUTHORISED:
            return NextState("waiting", now + GATE_PAUSE, attempts=attempts, failure=failure)
        case FailureClass.REJECTED | FailureClass.BUG:
            return NextState("dead", now, attempts=attempts + 1, outcome="failed", reason=failure.code, failure=failure)
        case FailureClass.CONFLICT:
            due = now + (again if attempts < ROUNDS else max(again, delay(attempts + 1, chance)))
            return _again(failure, attempts + 1, due, now)
        case FailureClass.TRANSIENT if outage or failure.code in NEVER_SENT:
            return NextState("waiting", now + delay(4, chance), attempts=attempts, reason=failure.code, failure=failure)
        case FailureClass.TRANSIENT:
            return _again(failure, attempts + 1, now + delay(attempts + 1, chance), now)


def after_look(item: Item, now: datetime) -> NextState:
    """What becomes of a record of which a look has found that its write is not there: sent again, later each time, until it is parked."""
    if item.attempts >= ATTEMPTS:
        return exhausted(item, now)
    if item.attempts == 0:
        # Its executor ended, or the vendor was away: nothing speaks against it.
        return NextState("ready", now, result_so_far=item.result_so_far)
    # The rows of one call draw the same number and count from the same hold, whenever each of them was looked at: they become due
    # in the same moment, are taken together, and can be parted.
    chance = random.Random(item.call_group or "/".join(item.key))  # noqa: S311 - jitter, no secret
    due_at = (item.hold_until or now) + delay(item.attempts, chance)
    return NextState(
        "waiting", due_at, attempts=item.attempts, result_so_far=item.result_so_far,
        reason=item.failure.code if item.failure else "", failure=item.failure, call_group=item.call_group,
    )  # fmt: skip


def after_failed_look(item: Item, failure: Failure, now: datetime, chance: random.Random, *, outage: bool) -> NextState:
    """What becomes of a record on hold whose look failed; `now` is the time by which holds are measured.

    Looks are counted apart from attempts. A look that is refused, or that fails as often as an attempt may, ends the record: whether
    its write was applied nobody knows then, so whoever opens it again looks first.
    """
    if failure.kind in (FailureClass.REJECTED, FailureClass.BUG) and failure.about == "call":
        return NextState(
            "dead",
            now,
            attempts=item.attempts,
            result_so_far=item.result_so_far,
            outcome="failed",
            reason=failure.code,
            failure=failure,
        )
    free = outage or failure.about == "leg" or retries.costs_nothing(failure)
    looks = item.looks if free else item.looks + 1
    if looks >= ATTEMPTS:
        return exhausted(replace(item, failure=failure), now)
    pause = LEG_AGAIN if failure.about == "leg" else GATE_PAUSE if free else delay(looks, chance)
    until = failure.retry_at or now + pause
    # It leaves the call it was part of: its neighbours must not wait for a look that fails.
    return NextState(
        "hold",
        until,
        hold_until=until,
        attempts=item.attempts,
        result_so_far=item.result_so_far,
        failure=failure,
        looks=looks,
    )


def behind_a_gate() -> Failure:
    """What was not even tried, because the gate in front of it has just closed."""
    return Transient(BEHIND_GATE.name, BEHIND_GATE.meaning)


def exhausted(item: Item, now: datetime) -> NextState:
    """Tried as often as the schedule allows."""
    return NextState(
        "parked", now, attempts=item.attempts, result_so_far=item.result_so_far, outcome="failed", reason=ATTEMPTS_EXHAUSTED.name,
        failure=item.failure, call_group=item.call_group,
    )  # fmt: skip


def delay(attempt: int, chance: random.Random) -> timedelta:
    """By the schedule of a record's attempts."""
    return retries.delay(attempt, chance, LONGEST_DELAY)


def _again(failure: Failure, attempts: int, due_at: datetime, now: datetime) -> NextState:
    if attempts < ATTEMPTS:
        return NextState("waiting", due_at, attempts=attempts, reason=failure.code, failure=failure)
    return NextState(
        "parked", now, attempts=attempts, outcome="failed", reason=ATTEMPTS_EXHAUSTED.name, failure=failure
    )
