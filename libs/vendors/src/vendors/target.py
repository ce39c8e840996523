"""How records are written at a vendor: planning is pure, and each write is one call with a verdict per row.

A writer asks `plan` for the next step, looks where the step says so, stores an act as an intent, applies it, and asks again until
nothing is left to do. A vendor knows nothing of leases, revisions or the journal; the writer knows nothing of members.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from common.contracts.connections import Connection
from common.contracts.messages import ChangeEvent
from common.contracts.outcomes import SkipReason
from common.failures import Failure
from common.http.call import Api, Priority, VendorAnswer
from vendors.catalogue import CatalogueField, FieldCatalogue
from vendors.grant import Place


@dataclass(frozen=True, slots=True)
class TargetRecord:
    """What we know of one target record; `standing` is the vendor's own word for its consent or life."""

    exists: bool | None = None
    """None: nobody has looked, and nothing was agreed."""
    met: bool = False
    """It was there once. What was there and is gone was taken away by somebody: it is not made again."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """By the paths of the catalogue, as last agreed or seen."""
    ours: tuple[str, ...] = ()
    """The tags that we gave, and no others."""
    standing: str = ""
    former: str = ""
    """The standing it had when we took it away; empty when somebody else did."""
    born_of: str = ""
    """The key whose consent was copied when we made it."""
    barred: SkipReason | None = None
    """It is never written again."""
    doubtful: bool = False
    """Look before anything is decided."""
    id: str = ""
    told_at: datetime | None = None
    """When the target itself told the standing; None when we have it from an answer of ours."""
    stamp: datetime | None = None
    """Of what was just seen: when it was last changed, by the vendor's clock. Not kept."""
    made_at: datetime | None = None
    """Of what was just seen: when it came to be, by the vendor's clock. Not kept."""
    made_by: str = ""
    """Of what was just seen: by which way it came to be, in the vendor's own words. Not kept."""
    memory: Mapping[str, Any] = field(default_factory=dict)
    """What the vendor remembers beyond the present state; the writer stores it and reads nothing in it."""


@dataclass(frozen=True, slots=True)
class Work:
    """One record's wish together with all that is known of the target records it concerns."""

    wish: Literal["present", "absent"]
    document: Mapping[str, Any]
    key: str
    """The target key of a wish `present`."""
    is_writer: bool = True
    """Whether this record writes the member that it may share with others (R13)."""
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
    """Something has to be written, and the facts of the place say how."""


@dataclass(frozen=True, slots=True)
class Act:
    """One write of one record; stored as the intent before it is sent."""

    action: str
    key: str
    values: Mapping[str, Any]
    """What is so afterwards, by path."""
    standing: str = ""
    """The standing that the write asks for; empty when it carries none."""
    batch: str = ""
    """Acts of the same batch share a call; empty: alone."""
    most: int = 1
    """How many of them one call takes."""
    born_of: str = ""
    memory: Mapping[str, Any] = field(default_factory=dict)
    """What is to be remembered once it is done."""


Step = Nothing | Skip | Look | NeedFacts | Act


@dataclass(frozen=True, slots=True)
class Done:
    """The vendor's verdict on one row: it is so now. Fields that the answer does not tell are None."""

    values: Mapping[str, Any] = field(default_factory=dict)
    standing: str | None = None
    gave: tuple[str, ...] = ()
    took: tuple[str, ...] = ()
    exists: bool = True
    changed: bool = True
    """False: the vendor says that it was so before, and wrote nothing."""
    id: str = ""
    stamp: datetime | None = None
    """The vendor's own stamp of the state that the write has made (R17)."""


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
class TargetEvent:
    """What an event of the target itself says of one of its records."""

    place: str
    key: str
    at: datetime
    standing: str = ""
    """Empty where the event says nothing of it."""
    reason: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    former_key: str = ""
    """The key under which the record was known until now."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What an event comes to, field by field (R17)."""

    ours: bool = False
    """Something in it was made by a write of ours, and nothing by anybody else."""
    standing_is_ours: bool = False
    doubts: tuple[str, ...] = ()
    """Fields that may not be as we know them."""
    overwritten: tuple[str, ...] = ()
    """Fields that had a value of somebody else's before our newest write of them."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A look or an answer: it was so at some moment between these two; `act` is what has made it so."""

    after: datetime
    before: datetime
    act: Act | None = None


@dataclass(frozen=True, slots=True)
class Sending:
    """How a call goes out: its rank, and the last question before the first byte (R3)."""

    priority: Priority = "live"
    before_send: Callable[[], None] | None = None


class Target(Protocol):
    """How records of one entity are written at this vendor; `Vendor.targets` names the entity.

    Planning is pure; each `apply` is one call that can change something.
    """

    places_name: str
    """What a place is called: an audience, a list, an organisation."""
    bars: Mapping[str, SkipReason]
    """Refusals, by code, that are rules of consent: the record is left alone and is no failure."""

    def key(self, document: Mapping[str, Any]) -> str:
        """The key of the target record that a document means; empty when it names none."""

    def plan(self, work: Work, facts: object | None) -> Step:
        """The next step towards the wish. Without facts it says `NeedFacts` only where something has to be written."""

    def landed(self, attempt: Attempt, seen: TargetRecord) -> Done | None:
        """After an outcome that nobody saw: the verdict if what was seen shows that the act was applied, else None (R2).

        Others may have changed since what it made; what nothing can show is none of ours.
        """

    def late(self, attempt: Attempt, known: TargetRecord, seen: TargetRecord) -> bool:
        """Whether what was seen and is not known is there because this act has landed late (R4)."""

    def brings(self, act: Act) -> bool:
        """Whether a record is at the target by this act that was not there before, or had left it."""

    def told(self, event: ChangeEvent) -> TargetEvent | None:
        """What an event says; None when it is about no record."""

    def heard(self, known: TargetRecord, told: TargetEvent, written: Sequence[Written]) -> Heard:
        """What an event says that we do not know (R17); `written` are our applied acts of about its time and later, the newest first."""

    def remember(
        self, before: TargetRecord, learnt: TargetRecord, fact: Seen | TargetEvent, inherits: TargetRecord | None = None
    ) -> TargetRecord:
        """What is learnt, with the memory that it leaves; pure. `inherits`: a record that has moved here brings its memory along."""

    def lower(self, one: str, other: str) -> str:
        """The lesser consent of two standings."""

    def drifted(self, known: TargetRecord, seen: TargetRecord) -> bool:
        """Whether what was seen is not what we know (R4)."""

    async def facts(self, place: str, api: Api) -> object:
        """What has to be known of a place before anything is written there."""

    async def apply(
        self, place: str, acts: Sequence[Act], facts: object | None, api: Api, sending: Sending
    ) -> Answered:
        """Sends acts of one batch in one call; raises a `Failure` when it is about the whole call."""

    async def look(self, place: str, key: str, api: Api) -> TargetRecord:
        """One target record as it is now."""

    async def places(self, connection: Connection, api: Api) -> Sequence[Place]:
        """Where records can be written to in this account."""

    async def catalogue(self, connection: Connection, place: str, api: Api) -> FieldCatalogue:
        """The fields that records have in a place."""

    async def create_field(
        self, connection: Connection, place: str, path: str, type: str, api: Api, label: str = ""
    ) -> CatalogueField:
        """Makes a field that a mapping asks for; the same field again is no error."""
