"""Why a record was left alone: the closed list that the journal, the counters and the console share."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class SkipReason(StrEnum):
    """Why a record was left alone: it did not meet the rules that somebody set. Closed; each is explained below."""

    FILTERED = "filtered"
    INACTIVE = "inactive"
    FACTS_UNREAD = "facts_unread"
    DETAIL_AWAITED = "detail_awaited"
    SIDES_UNREAD = "sides_unread"
    CREATE_OPEN = "create_open"
    MATCH_ASKED = "match_asked"
    LEFT_ALONE = "left_alone"
    PARENT_AWAITED = "parent_awaited"
    NO_EMAIL = "no_email"
    INVALID_EMAIL = "invalid_email"
    SHARES_TARGET = "shares_target"
    CLEANED = "cleaned"
    COMPLIANCE = "compliance"
    FORGOTTEN = "forgotten"
    NOT_AT_TARGET = "not_at_target"
    HANDS_OFF = "hands_off"
    SYNC_DISABLED = "sync_disabled"
    REQUIRED_FIELD_MISSING = "required_field_missing"
    UNMAPPABLE = "unmappable"


UNMAPPED = frozenset({SkipReason.INVALID_EMAIL, SkipReason.REQUIRED_FIELD_MISSING, SkipReason.UNMAPPABLE})
"""Reasons of the mapping: nobody can say what the record shall look like, so it is left as it is."""


class Explained(NamedTuple):
    """A reason for people: what it means, and what to do next."""

    meaning: str
    next_step: str


EXPLAINED: Mapping[SkipReason, Explained] = {
    SkipReason.FILTERED: Explained(
        "The filter of the sync leaves it out.",
        "Nothing, if that is meant; else change `filter` in the sync's file and apply it.",
    ),
    SkipReason.INACTIVE: Explained(
        "It is inactive, and the sync leaves inactive ones out.",
        "Nothing: it comes back by itself; `on_inactive` in the sync's file decides it.",
    ),
    SkipReason.FACTS_UNREAD: Explained(
        "What its facts are made of has not been read yet.",
        "Nothing: it is written as soon as that is read.",
    ),
    SkipReason.DETAIL_AWAITED: Explained(
        "No list carries what decides about it, and it has not been read by itself yet.",
        "Nothing: it is written as soon as it is read; `millrace run show` tells how long.",
    ),
    SkipReason.SIDES_UNREAD: Explained(
        "Both sides are edited, and they have not both been read whole yet: its counterpart may be among those that are still to come.",
        "Nothing: it is judged as soon as both were read; `millrace sync show` tells what is missing.",
    ),
    SkipReason.CREATE_OPEN: Explained(
        "It was seen while we were making a record there, and may be that one: nobody has told yet what came of it.",
        "Nothing: it is judged as soon as that is known; `millrace quota show` tells whether calls wait.",
    ),
    SkipReason.MATCH_ASKED: Explained(
        "Nobody can say which record of the other side it is, if any.",
        "`millrace review list --kind match` and `--kind unmatched` name the candidates: decide it there.",
    ),
    SkipReason.LEFT_ALONE: Explained(
        "Somebody has decided that it has no counterpart and gets none.",
        "Nothing, if that is meant; `millrace link add` joins it with one.",
    ),
    SkipReason.PARENT_AWAITED: Explained(
        "The record that it belongs to has no counterpart yet.",
        "Nothing: it follows as soon as that one is linked; if that one waits for a person, `millrace review list` names it.",
    ),
    SkipReason.NO_EMAIL: Explained(
        "It has no e-mail address.",
        "Enter one at the source; seconds later it is at the target.",
    ),
    SkipReason.INVALID_EMAIL: Explained(
        "What stands in place of its e-mail address is none: a slip of the keyboard, most often.",
        "Correct it at the source; seconds later it is at the target.",
    ),
    SkipReason.SHARES_TARGET: Explained(
        "Another record has the same address, and writes what they share at the target.",
        "Nothing, if both are one; else give each an address of its own at the source.",
    ),
    SkipReason.CLEANED: Explained(
        "Mail to its address came back for good.",
        "Ask for a new address, and enter it at the source.",
    ),
    SkipReason.COMPLIANCE: Explained(
        "The person left, complained, or the address bounced: the target lets nobody else bring it back.",
        "Nothing: only the person can subscribe again.",
    ),
    SkipReason.FORGOTTEN: Explained(
        "The person was deleted at the target for good.",
        "Nothing: only the person can sign up again.",
    ),
    SkipReason.NOT_AT_TARGET: Explained(
        "Somebody took it away at the target.",
        "Nothing, if that was meant; else bring it back there by hand.",
    ),
    SkipReason.HANDS_OFF: Explained(
        "It goes into a text that people write too, and they have left no room for it, or a mark of ours in it is broken.",
        "Make room there, or take both marks out; it is written as soon as that is seen.",
    ),
    SkipReason.SYNC_DISABLED: Explained(
        "The sync was switched off.",
        "`millrace sync resume NAME` brings it back.",
    ),
    SkipReason.REQUIRED_FIELD_MISSING: Explained(
        "A field that must have a value has none.",
        "`millrace record timeline` names the field: fill it at the source, or map another one.",
    ),
    SkipReason.UNMAPPABLE: Explained(
        "Its mapping cannot be carried out.",
        "`millrace record timeline` names the row: correct the record, or the mapping.",
    ),
}
