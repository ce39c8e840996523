"""What all targets of the ledger share: how they are found by their match, and how rows become calls."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from common.contracts.connections import Connection
from common.contracts.messages import ChangeEvent
from common.contracts.outcomes import SkipReason
from common.contracts.syncs import Mode
from common.failures import Failure, FailureClass
from common.http.call import Api
from tests.support.ledger.vendor import errors, knowing, wire
from vendors.absorbing import Absorbed, Fact, TargetEvent
from vendors.acts import Act, Answered, Attempt, ByMatch, Done, Sending, Step, Verdict, Work
from vendors.catalogue import AskedField, CatalogueField, FieldCatalogue, MadeFields
from vendors.choices import Choices
from vendors.grant import Place
from vendors.target_record import TargetRecord


class LedgerTarget:
    """Records that are found by one field; subclasses plan."""

    mode: Mode = "state"
    places_name = "organisation"
    looks = together = wire.ROWS
    key_missing = SkipReason.REQUIRED_FIELD_MISSING
    key_invalid = SkipReason.UNMAPPABLE
    choices = Choices(gone=("archive", "leave"), on_delete="leave", on_filtered="leave", without_key="leave")
    facts_in_parts = frozenset[str]()
    hears = False
    deferred = None
    name = ""
    """As the ledger calls them."""
    match = ""
    """The field by which they are found."""
    fields: tuple[CatalogueField, ...] = ()

    def identify(self, document: Mapping[str, Any]) -> ByMatch | None:
        value = str(document.get(self.match) or "")
        return ByMatch(self.match, value) if value else None

    def keys(self, document: Mapping[str, Any]) -> Sequence[str]:
        match = self.identify(document)
        return [match.value] if match else []

    def lets_go(self, document: Mapping[str, Any]) -> bool:
        return True

    def gone(self, how: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"how": how}

    def absorb(self, known: TargetRecord, fact: Fact) -> Absorbed:
        return knowing.absorb(known, fact)

    def landed(self, attempt: Attempt, seen: TargetRecord) -> Done | None:
        return knowing.landed(attempt, seen)

    def late(self, attempt: Attempt, known: TargetRecord, seen: TargetRecord) -> bool:
        return knowing.late(attempt, known, seen)

    def brings(self, act: Act) -> bool:
        return act.action == "create"

    def drifted(self, known: TargetRecord, seen: TargetRecord) -> bool:
        return knowing.drifted(known, seen)

    def parsed(self, event: ChangeEvent) -> TargetEvent | None:
        return None

    def urgent(self, known: TargetRecord, event: TargetEvent, in_flight: Sequence[Act]) -> bool:
        return False

    async def facts(self, place: str, api: Api, before: object | None = None, lacking: Collection[str] = ()) -> object:
        raise AssertionError("nothing has to be known of an organisation")

    async def look(self, place: str, keys: Sequence[str], api: Api) -> Mapping[str, TargetRecord | Failure]:
        """One look-up for all of them; it lags."""
        with errors.reading(FailureClass.TRANSIENT):
            found = await wire.find(api, place, self.name, self.match, keys)
            return {key: self._one(found[key]) for key in keys}

    def _one(self, found: Sequence[wire.Record]) -> TargetRecord | Failure:
        """R24: several with one key are a question, and not the first of them."""
        if len(found) > 1:
            return errors.refused(errors.LEDGER_SEVERAL, ", ".join(str(one["id"]) for one in found))
        return self.shown(found[0]) if found else TargetRecord(exists=False)

    def shown(self, record: wire.Record) -> TargetRecord:
        return TargetRecord(
            exists=True, met=True, id=str(record["id"]), seen=self.seen(record), stamp=wire.stamp(record)
        )

    def seen(self, record: wire.Record) -> dict[str, Any]:
        """What it says, by path."""
        return wire.fields(record)

    def plan(self, work: Work, facts: object | None) -> Step:
        raise NotImplementedError

    def row(self, act: Act) -> dict[str, Any]:
        """The row of a write."""
        raise NotImplementedError

    async def apply(
        self, place: str, acts: Sequence[Act], facts: object | None, api: Api, sending: Sending
    ) -> Answered:
        """One call for all of them. What makes each repeatable is said by its plan."""
        with errors.reading(FailureClass.UNKNOWN):
            told, answer = await wire.write(api, place, self.name, [self.row(act) for act in acts], sending)
            return Answered([self._verdict(one) for one in told], answer)

    def _verdict(self, told: wire.Record | Failure) -> Verdict:
        if isinstance(told, Failure):
            return told
        exists = not told.get("deleted")
        return Done(self.seen(told), exists=exists, id=str(told["id"]), stamp=wire.stamp(told))

    async def places(self, connection: Connection, api: Api) -> Sequence[Place]:
        return [Place(str(one["id"]), str(one["name"])) for one in await wire.organisations(api)]

    async def catalogue(self, connection: Connection, place: str, api: Api) -> FieldCatalogue:
        return FieldCatalogue(self.fields)

    async def create_fields(
        self, connection: Connection, place: str, asked: Sequence[AskedField], api: Api
    ) -> MadeFields:
        paths = ", ".join(one.path for one in asked)
        raise errors.refused(errors.LEDGER_REFUSED, f"Its fields are its own; it makes none called {paths}.")
