"""What is tried again at a vendor: how often, how long apart, and what costs no attempt because no record is to blame for it."""

from __future__ import annotations

import random
from datetime import timedelta

from common.failures import Failure, FailureClass

ATTEMPTS = 12
FIRST_DELAY = timedelta(seconds=2)
# Nothing left this machine.
NEVER_SENT = frozenset(
    {
        "TOKEN_BROKER_UNAVAILABLE",
        "QUOTA_UNAVAILABLE",
        "DEADLINE_PASSED",
        "VENDOR_UNREACHABLE",
        "LEASE_LOST",
        "BEHIND_GATE",
    }
)


def delay(attempt: int, chance: random.Random, longest: timedelta) -> timedelta:
    """Full jitter: anywhere between nothing and the step's ceiling, so that what failed together does not come together."""
    ceiling = min(FIRST_DELAY.total_seconds() * 2 ** min(attempt - 1, 20), longest.total_seconds())
    return timedelta(seconds=ceiling * chance.random())


def costs_nothing(failure: Failure) -> bool:
    """Whether a failure says nothing about the record: a place or an account refuses, a quota or a token is waited for, nobody was asked."""
    waits = failure.kind in (FailureClass.RATE_LIMITED, FailureClass.UNAUTHORISED)
    return waits or failure.about in ("place", "account") or failure.code in NEVER_SENT
