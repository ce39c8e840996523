"""The one place that decides what becomes of a record after a failure.

TRANSIENT      again by the schedule: full jitter between nothing and a delay that doubles from 2 s to 15 min; 12 attempts, then parked
UNKNOWN        on hold until the vendor's horizon, then one look (R2); an attempt like any other
RATE_LIMITED   again when the vendor says; no attempt
UNAUTHORISED   waits for the connection's gate, which the token-broker closes and opens; no attempt
CONFLICT       read again, decide again; an attempt, so that it ends
REJECTED       never: dead at once, or left alone where the refusal is a rule about consent
BUG            dead at once, and somebody looks at the code
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from common.contracts.outcomes import SkipReason
from common.failures import Failure, FailureClass
from writing.codes import ATTEMPTS_EXHAUSTED
from writing.items import Fate

ATTEMPTS = 12
FIRST_DELAY = timedelta(seconds=2)
LONGEST_DELAY = timedelta(minutes=15)
# The gate is closed by then; where it is not, the connection is asked again so often and no more.
GATE_PAUSE = timedelta(seconds=5)
QUOTA_PAUSE = timedelta(seconds=2)
SOON = timedelta(milliseconds=200)
# Nothing left this machine, and the record is not to blame.
NEVER_SENT = frozenset({"TOKEN_BROKER_UNAVAILABLE", "DEADLINE_PASSED", "LEASE_LOST"})


def after_failure(
    failure: Failure, attempts: int, now: datetime, chance: random.Random, *, hold_until: datetime | None = None
) -> Fate:
    """What becomes of a record whose call failed; `attempts` counts those before this one."""
    match failure.kind:
        case FailureClass.UNKNOWN:
            # A complete answer of the vendor itself leaves nothing on its way: the look may come at once (R2).
            until = now if failure.complete else hold_until or now
            return Fate("hold", until, hold_until=until, attempts=attempts + 1, failure=failure)
        case FailureClass.RATE_LIMITED:
            return Fate("waiting", failure.retry_at or now + QUOTA_PAUSE, attempts=attempts, failure=failure)
        case FailureClass.UNAUTHORISED:
            return Fate("waiting", now + GATE_PAUSE, attempts=attempts, failure=failure)
        case FailureClass.REJECTED | FailureClass.BUG:
            return Fate("dead", now, attempts=attempts + 1, outcome="failed", reason=failure.code, failure=failure)
        case FailureClass.CONFLICT:
            return _again(failure, attempts + 1, now + SOON, now)
        case FailureClass.TRANSIENT if failure.code in NEVER_SENT:
            return Fate("waiting", now + delay(4, chance), attempts=attempts, reason=failure.code, failure=failure)
        case FailureClass.TRANSIENT:
            return _again(failure, attempts + 1, now + delay(attempts + 1, chance), now)


def delay(attempt: int, chance: random.Random) -> timedelta:
    """Full jitter: anywhere between nothing and the step's longest, so that what failed together does not come together."""
    longest = min(FIRST_DELAY.total_seconds() * 2 ** min(attempt - 1, 20), LONGEST_DELAY.total_seconds())
    return timedelta(seconds=longest * chance.random())


def skipped(fate: Fate, reason: SkipReason) -> Fate:
    """A refusal that is a rule: the record is left alone, and not as a failure."""
    return replace(fate, state="done", outcome="skipped", reason=reason.value, failure=None)


def barred_by(failure: Failure, bars: Mapping[str, SkipReason]) -> SkipReason | None:
    """The rule that a refusal stands for, by the vendor's own list."""
    return bars.get(failure.code)


def _again(failure: Failure, attempts: int, due_at: datetime, now: datetime) -> Fate:
    if attempts < ATTEMPTS:
        return Fate("waiting", due_at, attempts=attempts, reason=failure.code, failure=failure)
    return Fate("parked", now, attempts=attempts, outcome="failed", reason=ATTEMPTS_EXHAUSTED.name, failure=failure)
