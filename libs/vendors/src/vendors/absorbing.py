"""The facts that change what is known of a target record, and what one of them comes to.

`Target.absorb(known, fact)` is pure, and it is the only thing that changes a target record: results, looks, late looks and events of the
target all go through it, with the record locked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from common.contracts.activity import ActivityKind, ActivitySource
from common.failures import Failure
from vendors.acts import Act, Done, Written
from vendors.target_record import TargetRecord


@dataclass(frozen=True, slots=True)
class TargetEvent:
    """What an event of the target itself says of one of its records."""

    place: str
    """Empty where the account has one place, and the event does not say which."""
    key: str
    at: datetime
    values: Mapping[str, Any] = field(default_factory=dict)
    """The fields it tells, by path."""
    reason: str = ""
    shows_a_moment: bool = False
    """It shows the record as it was then, and not what was changed: its time says nothing of when each of its fields became so."""
    former_key: str = ""
    """The key under which the record was known until now."""


@dataclass(frozen=True, slots=True)
class ToBeSent:
    """This act is about to be sent: what it makes unknowable has to be kept before."""

    act: Act


@dataclass(frozen=True, slots=True)
class ActDone:
    """The vendor has applied the act, and what it says was so at some moment between these two."""

    act: Act
    done: Done
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Refused:
    """The vendor has refused a write. Where that is a rule and no failure, the record is not the same afterwards."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Seen:
    """A look: the record was so at some moment between these two."""

    record: TargetRecord
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Heard:
    """An event of the target, with our applied acts of about its time and later, the newest first (R17)."""

    event: TargetEvent
    written: Sequence[Written] = ()
    former: TargetRecord | None = None
    """What is known of the record under its former key, where the event tells of one."""


@dataclass(frozen=True, slots=True)
class SameAsWished:
    """A plan had nothing to write: both sides say the same."""

    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Doubted:
    """Something may have changed it that nobody saw."""


Fact = ToBeSent | ActDone | Refused | Seen | Heard | SameAsWished | Doubted
Concerned = Literal["owners", "followers"]
"""Owners live under the key of the record; followers were there once and live under another one."""


@dataclass(frozen=True, slots=True)
class Change:
    """What the journal tells of an event: one of its steps, and what was and is so where something has changed."""

    step: str
    reason: str = ""
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Happened:
    """What an event tells whoever looks at those who live there, whatever it changes; fields by their names alone."""

    kind: ActivityKind
    source: ActivitySource
    fields: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Absorbed:
    """What a fact comes to."""

    record: TargetRecord
    change: Change | None = None
    """Of an event, always."""
    former: TargetRecord | None = None
    """What is known under the former key from now on; None where nothing has moved."""
    concerns: frozenset[Concerned] = frozenset()
    """Who has to be planned once more because of it; what is about to be sent, and a doubt, concern nobody else."""
    lessons: Mapping[str, bool] = field(default_factory=dict)
    """What it teaches of the place as a whole: every later plan there has it in `Work.lessons`."""
    happened: Happened | None = None
    """Of an event that somebody else than us has caused, where the target's people are told of such things."""
