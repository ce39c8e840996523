"""Why a record was left alone: the closed list that the journal, the counters and the console share."""

from __future__ import annotations

from enum import StrEnum


class SkipReason(StrEnum):
    """Why a record was left alone: it did not meet the rules that somebody set. Closed; each has a sentence in the documentation."""

    FILTERED = "filtered"
    INACTIVE = "inactive"
    FACTS_UNREAD = "facts_unread"
    DETAIL_AWAITED = "detail_awaited"
    NO_EMAIL = "no_email"
    INVALID_EMAIL = "invalid_email"
    SHARES_TARGET = "shares_target"
    CLEANED = "cleaned"
    COMPLIANCE = "compliance"
    FORGOTTEN = "forgotten"
    NOT_AT_TARGET = "not_at_target"
    SYNC_DISABLED = "sync_disabled"
    REQUIRED_FIELD_MISSING = "required_field_missing"
    UNMAPPABLE = "unmappable"


UNMAPPED = frozenset({SkipReason.INVALID_EMAIL, SkipReason.REQUIRED_FIELD_MISSING, SkipReason.UNMAPPABLE})
"""Reasons of the mapping: nobody can say what the record shall look like, so it is left as it is."""
