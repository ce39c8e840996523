"""What is wished of a target, the next step towards it, and the vendor's verdict on each row that was sent: plain values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from common.contracts.ids import Entity
from common.contracts.messages import RecordRef
from common.contracts.outcomes import SkipReason
from common.failures import Failure
from common.http.call import Priority, VendorAnswer
from vendors.target_record import TargetRecord

Counted = Literal["added", "updated", "removed"]
"""As what people count a record that a write has changed."""


@dataclass(frozen=True, slots=True)
class ByMatch:
    """A document's target record is the one whose field has this value; the value is what is leased."""

    field: str
    value: str


_ID = "id:"


def key_of_id(id: str) -> str:
    """The target key of a record that is known by its link, whatever its match is by now."""
    return f"{_ID}{id}"


def id_of_key(key: str) -> str:
    """The vendor's id in such a key; empty where a key is a match."""
    return key.removeprefix(_ID) if key.startswith(_ID) else ""


@dataclass(frozen=True, slots=True)
class Work:
    """One record's wish together with all that is known of the target records it concerns."""

    wish: Literal["present", "absent"]
    document: Mapping[str, Any]
    key: str
    """The target key of a wish `present`; of a wish `absent`, the last one where the record stays and nobody else wants it."""
    is_writer: bool = True
    """Whether this record writes the target record that it may share with others (R13)."""
    former: tuple[str, ...] = ()
    """The other keys this record has had and not yet left."""
    past: tuple[str, ...] = ()
    """Every other key it has ever had in this place, by whichever sync or connection, left or not."""
    elsewhere: tuple[TargetRecord, ...] = ()
    """What other places and accounts of this vendor know of the record's past, and the other places of this account of its key."""
    leaving: tuple[str, ...] = ()
    """Those keys, and for a wish `absent` the last one too, that nobody else lives under (R14)."""
    known: Mapping[str, TargetRecord] = field(default_factory=dict)
    fresh: frozenset[str] = frozenset()
    """The keys that were looked at a moment ago."""
    capabilities: frozenset[str] = frozenset()
    lessons: Mapping[str, bool] = field(default_factory=dict)
    """What former writes have taught of the place as a whole, by name; what nobody has tried yet is not in it."""
    linked: Mapping[RecordRef, str] = field(default_factory=dict)
    """The ids at the target of the records that this one needs."""
    linked_as: Mapping[RecordRef, Entity] = field(default_factory=dict)
    """And what each of them is there: a customer may be an account or a person."""
    is_live: bool = True
    """Somebody waits for it: it is no part of a first load, nor of anything that is gone through again."""
    is_paired: bool = False
    """Its leg has a way back: whether it is one with a record that is there already was decided by what both sides have told."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """The target is as wished."""


@dataclass(frozen=True, slots=True)
class Skip:
    """The rules say no."""

    reason: SkipReason
    words: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """Nothing can be decided before somebody has looked at this key."""

    key: str


@dataclass(frozen=True, slots=True)
class NeedFacts:
    """Something has to be written, and the facts of the place say how: none are there, or they lack something."""

    lacking: frozenset[str] = frozenset()
    """What is asked for again, by names of the target's own; empty: everything."""
    otherwise: Nothing | Skip | Look | Wait | Act | Failure | None = None
    """The step, where these were asked for a moment ago; None where they have to be asked for."""
    hurry: bool = True
    """A moment: seconds, because a person may have mended what is refused otherwise; else minutes."""


@dataclass(frozen=True, slots=True)
class Wait:
    """This record has to be linked first; no attempt, and no question until it is (R23)."""

    needs: RecordRef


@dataclass(frozen=True, slots=True)
class Act:
    """One write of one record; stored as the intent before it is sent."""

    action: str
    key: str
    values: Mapping[str, Any]
    """What is so afterwards, by path."""
    counts_as: Counted = "updated"
    batch: str = ""
    """Acts of the same batch share a call; empty: alone."""
    most: int = 1
    """How many of them one call takes."""
    memory: Mapping[str, Any] = field(default_factory=dict)
    """What the vendor has to remember once it is done; nobody else reads it."""
    is_of_one_answer: bool = False
    """A text was made from what one answer of the vendor's has shown, with the version that it goes with: the vendor refuses it if somebody
    has changed the text since, so that it is not read again before (R26)."""


Step = Nothing | Skip | Look | NeedFacts | Wait | Act


@dataclass(frozen=True, slots=True)
class Done:
    """The vendor's verdict on one row: it is so now."""

    became: Mapping[str, Any] = field(default_factory=dict)
    """What the vendor says that the fields are now; those that its answer does not tell are left out (R18)."""
    memory: Mapping[str, Any] = field(default_factory=dict)
    """What the vendor's own code needs of the answer to remember it; nobody else reads it."""
    exists: bool = True
    changed: bool = True
    """False: the vendor says that it was so before, and wrote nothing."""
    id: str = ""
    stamp: datetime | None = None
    """The vendor's own stamp of the state that the write has made (R17)."""
    author: str = ""
    """Whom the vendor calls the author of the write, by its id of us: a read that names the same one tells what the fields became (R18)."""


@dataclass(frozen=True, slots=True)
class NotSent:
    """This row was left out of the call; its turn comes again at once."""


Verdict = Done | NotSent | Failure


@dataclass(frozen=True, slots=True)
class Answered:
    """A call's answer: one verdict per act, in their order."""

    verdicts: Sequence[Verdict]
    answer: VendorAnswer


@dataclass(frozen=True, slots=True)
class Attempt:
    """An act that was sent, and of which nobody saw what became (R2)."""

    act: Act
    before: Mapping[str, Any]
    """What was known of the fields that it changes, before it was sent."""
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class Written:
    """An act of ours that the vendor has applied, with the stamp of its answer; else all that is known is between when and when."""

    act: Act
    stamp: datetime | None
    since: datetime
    until: datetime
    before: Mapping[str, Any] = field(default_factory=dict)
    """What was known of its fields when it was sent."""


@dataclass(frozen=True, slots=True)
class Sending:
    """How a call goes out: its rank, and the last question before the first byte (R3)."""

    priority: Priority = "live"
    before_send: Callable[[], None] | None = None
    attempt: str = ""
    """The name under which the intents of the call are stored."""
