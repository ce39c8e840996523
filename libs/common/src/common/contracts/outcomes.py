"""What became of a command: the closed union that the journal, the counters and the console share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from common.failures import Failure


class SkipReason(StrEnum):
    """Why a record was left alone: it did not meet the rules that somebody set. Closed; each has a sentence in the documentation."""

    FILTERED = "filtered"
    NO_EMAIL = "no_email"
    INVALID_EMAIL = "invalid_email"
    SHARES_TARGET = "shares_target"
    UNSUBSCRIBED = "unsubscribed"
    CLEANED = "cleaned"
    COMPLIANCE = "compliance"
    FORGOTTEN = "forgotten"
    NOT_AT_TARGET = "not_at_target"
    SYNC_DISABLED = "sync_disabled"
    REQUIRED_FIELD_MISSING = "required_field_missing"
    UNMAPPABLE = "unmappable"


UNMAPPED = frozenset({SkipReason.INVALID_EMAIL, SkipReason.REQUIRED_FIELD_MISSING, SkipReason.UNMAPPABLE})
"""Reasons of the mapping: nobody can say what the record shall look like, so it is left as it is."""


@dataclass(frozen=True, slots=True)
class Applied:
    """The vendor has it; `before` and `after` are what we know of the target record around the write."""

    before: dict[str, Any] | None
    after: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Nothing differs from what the target was last known to have: no call."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """The rules say no."""

    reason: SkipReason
    words: str = ""


@dataclass(frozen=True, slots=True)
class Deferred:
    """Not now: a quota, a retry or the vendor's horizon decides when."""

    until: datetime
    failure: Failure


@dataclass(frozen=True, slots=True)
class Rejected:
    """The vendor will never take it as it is."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Superseded:
    """Something newer went first."""

    by_revision: int


Outcome = Applied | Unchanged | Skipped | Deferred | Rejected | Superseded
