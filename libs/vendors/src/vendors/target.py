"""How records are written at a vendor: planning is pure, and each write is one call with a verdict per row.

A writer asks `plan` for the next step, looks where the step says so, stores an act as an intent, applies it, and asks again until
nothing is left to do. Whatever it learns on the way, `absorb` makes of it what is known. A vendor knows nothing of leases, revisions or
the journal; the writer knows nothing of members.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from common.contracts.connections import Connection
from common.contracts.messages import ChangeEvent
from common.contracts.outcomes import SkipReason
from common.contracts.syncs import Mode
from common.failures import Failure
from common.http.call import Api
from vendors.absorbing import Absorbed, Fact, TargetEvent
from vendors.acts import Act, Answered, Attempt, ByMatch, Done, Sending, Step, Work
from vendors.catalogue import AskedField, FieldCatalogue, MadeFields
from vendors.choices import Choices
from vendors.deferred import Deferred
from vendors.grant import Place
from vendors.target_record import TargetRecord


class Target(Protocol):
    """How records of one entity are written at this vendor; `Vendor.targets` names the entity.

    Planning is pure; each `apply` is one call that can change something.
    """

    mode: Mode
    """How its records are written: a leg runs in no other."""
    places_name: str
    """What a place is called: an audience, a list, an organisation."""
    looks: int
    """How many records one `look` takes: as many as one call of the vendor's shows."""
    together: int
    """How many records one call writes at most; 1: each has a call of its own. Those of a whole account wait until so many are there."""
    key_missing: SkipReason
    """Why a record is skipped that has no value for the field by which its target record is found."""
    key_invalid: SkipReason
    """The same where the value is none that the field can have."""
    choices: Choices
    """What the file of a sync may say of it, beyond what it may say of every target."""
    facts_in_parts: frozenset[str]
    """What its facts are made of, by the names of `NeedFacts.lacking`, where each can be asked for again by itself: then they are kept
    for a day. Empty: a refusal by them asks for all of them again."""
    hears: bool
    """Whether it makes anything of what a source tells of its records (`parsed`); else their webhooks are not asked for."""
    deferred: Deferred | None
    """How many acts go in one call that the vendor carries out later; None where it has none."""

    def identify(self, document: Mapping[str, Any]) -> ByMatch | None:
        """How the target record that a document means is found; None where it names none."""

    def keys(self, document: Mapping[str, Any]) -> Sequence[str]:
        """Everything that one lease must cover while the document is written."""

    def gone(self, how: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
        """The document of a wish `absent`: what becomes of the target record, by one of `choices.gone` and its own options."""

    def lets_go(self, document: Mapping[str, Any]) -> bool:
        """Of a wish `absent`: whether the record leaves its keys, or stays where it is, marked or as it was."""

    def plan(self, work: Work, facts: object | None) -> Step:
        """The next step towards the wish. Without facts it says `NeedFacts` only where something has to be written."""

    def absorb(self, known: TargetRecord, fact: Fact) -> Absorbed:
        """What is known once this is known too; pure, and the only way in which knowledge changes."""

    def landed(self, attempt: Attempt, seen: TargetRecord) -> Done | None:
        """After an outcome that nobody saw: the verdict if what was seen shows that the act was applied, else None (R2).

        Others may have changed since what it made; what nothing can show is none of ours.
        """

    def late(self, attempt: Attempt, known: TargetRecord, seen: TargetRecord) -> bool:
        """Whether what was seen and is not known is there because this act has landed late (R4)."""

    def brings(self, act: Act) -> bool:
        """Whether a record is at the target by this act that was not there before, or had left it."""

    def drifted(self, known: TargetRecord, seen: TargetRecord) -> bool:
        """Whether what was seen is not what was agreed (R4)."""

    def parsed(self, event: ChangeEvent) -> TargetEvent | None:
        """What an event says; None when it is about no record."""

    def urgent(self, known: TargetRecord, event: TargetEvent, in_flight: Sequence[Act]) -> bool:
        """Whether an event is judged at once, though these acts are in flight to its record (R16)."""

    async def facts(self, place: str, api: Api, before: object | None = None, lacking: Collection[str] = ()) -> object:
        """What has to be known of a place before anything is written there; with `before`, the same with what it is `lacking`."""

    async def apply(
        self, place: str, acts: Sequence[Act], facts: object | None, api: Api, sending: Sending
    ) -> Answered:
        """Sends acts of one batch in one call; raises a `Failure` when it is about the whole call."""

    async def look(self, place: str, keys: Sequence[str], api: Api) -> Mapping[str, TargetRecord | Failure]:
        """These target records as they are now, `looks` of them at most; raises a `Failure` when it is about all of them."""

    async def places(self, connection: Connection, api: Api) -> Sequence[Place]:
        """Where records can be written to in this account."""

    async def catalogue(self, connection: Connection, place: str, api: Api) -> FieldCatalogue:
        """The fields that records have in a place."""

    async def create_fields(
        self, connection: Connection, place: str, asked: Sequence[AskedField], api: Api
    ) -> MadeFields:
        """Makes the fields that mappings ask for, in as few calls as the vendor has; raises a `Failure` when it is about all of them.

        The same again is no error and no second field, also where an answer was lost. Where reading shows that one of them cannot be,
        none is made.
        """


@runtime_checkable
class LooksBack(Protocol):
    """A target some of whose records nothing but their name and their age shows to be ours: after an outcome that nobody saw, however long
    ago, a look goes back to the sending.
    """

    async def look_back(
        self, place: str, since: Mapping[str, datetime], api: Api
    ) -> Mapping[str, TargetRecord | Failure]:
        """The same as `look`, by key: of whom their age tells, those that were made since then."""
