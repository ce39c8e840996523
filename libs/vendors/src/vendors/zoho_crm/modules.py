"""The modules of Zoho CRM that are written to, one row each, and the one target that writes them: the newest state counts.

A record is made by an upsert that looks for our own field alone, so that it is there once however often it is sent, and changed by its id.
Where an account cannot have that field, a record is made by an insert and found by its e-mail address, an account by its name among those that were
made a moment ago: after an outcome that nobody saw it is looked at once the horizon is over, before anything is sent again (R6, R24).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from common.contracts.connections import Connection
from common.contracts.ids import Entity
from common.contracts.messages import ChangeEvent
from common.contracts.outcomes import SkipReason
from common.contracts.syncs import Mode
from common.failures import Failure, Rejected
from common.http.call import Api
from vendors.absorbing import Absorbed, ActDone, Fact, Seen, TargetEvent
from vendors.acts import Act, Answered, Attempt, ByMatch, Done, Sending, Step, Work
from vendors.catalogue import AskedField, CatalogueField, FieldCatalogue, MadeFields
from vendors.choices import Choices
from vendors.deferred import Deferred
from vendors.grant import Place
from vendors.target_record import TargetRecord
from vendors.zoho import knowing
from vendors.zoho_crm import field_making, module_facts, module_plan, module_wire, module_writes
from vendors.zoho_crm.module_facts import ModuleFacts
from vendors.zoho_crm.module_looks import IDS, NAMED, OURS, UNKEYED, VERSION, ModuleLooks
from vendors.zoho_crm.module_plan import (
    COMPARE,
    COMPARES,
    DELETE,
    EMAIL,
    MET,
    ROWS,
    TRIGGER,
    TRIGGERS,
    TargetModule,
    mail_of,
)
from vendors.zoho_crm.module_wire import KEY
from vendors.zoho_crm.readers import READERS

_HABITS = knowing.Habits()
NAME = "name"

MODULES: Mapping[Entity, TargetModule] = {
    # An account has no address: that of one of its contacts says which one is meant.
    Entity("customer"): TargetModule(READERS["customer"], matches_only=frozenset({EMAIL})),
    Entity("person"): TargetModule(
        READERS["person"], parents={"customer_id": Entity("customer")},
        stand_ins={"last_name": ("first_name", "email")},
    ),
}  # fmt: skip


class ModuleTarget:
    """The document is the neutral record, as far as the mapping fills it, and `key`: the id that it has at the other system."""

    mode: Mode = "state"
    places_name = "organisation"
    looks = IDS
    together = ROWS
    key_missing = SkipReason.NO_EMAIL
    key_invalid = SkipReason.INVALID_EMAIL
    choices = Choices(gone=("leave", DELETE), on_delete="leave", on_filtered="leave", without_key="leave")
    facts_in_parts = frozenset({"fields"})
    hears: bool = False
    deferred: Deferred | None = None

    def __init__(self, module: TargetModule) -> None:
        self._module = module
        self._looks = ModuleLooks(module.reader, module.key_field, by_contacts=module.by_contacts)

    def identify(self, document: Mapping[str, Any]) -> ByMatch | None:
        key, mail = str(document.get(KEY) or "").strip(), mail_of(document)
        if key:
            return ByMatch(KEY, f"{OURS}{key}")
        if mail:
            return ByMatch(EMAIL, mail)
        name = str(document.get(NAME) or "").strip().casefold() if self._module.by_contacts else ""
        return ByMatch(NAME, f"{NAMED}{name}") if name else None

    def keys(self, document: Mapping[str, Any]) -> Sequence[str]:
        match, mail = self.identify(document), mail_of(document)
        if match is None:
            return []
        return [match.value, *([f"{UNKEYED}{mail}"] if mail and match.field == KEY else [])]

    def gone(self, how: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"how": how}

    def lets_go(self, document: Mapping[str, Any]) -> bool:
        return document.get("how") == DELETE

    def plan(self, work: Work, facts: object | None) -> Step:
        return module_plan.next_step(self._module, work, facts)

    def absorb(self, known: TargetRecord, fact: Fact) -> Absorbed:
        if isinstance(fact, ActDone) and (met := fact.act.memory.get(MET)):
            known = replace(known, seen={**met, **known.seen})
        absorbed = knowing.absorb(known, fact, _HABITS)
        if not isinstance(fact, Seen | ActDone):
            return absorbed
        record = module_plan.without_version(absorbed.record)
        if isinstance(fact, Seen) and VERSION in fact.record.memory:
            record = replace(record, memory={**record.memory, VERSION: fact.record.memory[VERSION]})
        return replace(absorbed, record=record)

    def landed(self, attempt: Attempt, seen: TargetRecord) -> Done | None:
        act = attempt.act
        if act.action == DELETE:
            return None if seen.exists else Done(exists=False)
        if not seen.exists:
            return None
        told = self.brings(act) or not self._differing(act.values, seen)
        return Done(seen.seen, id=seen.id) if told else None

    def late(self, attempt: Attempt, known: TargetRecord, seen: TargetRecord) -> bool:
        return self.landed(attempt, seen) is not None and self.landed(attempt, known) is None

    def brings(self, act: Act) -> bool:
        return act.action in ("upsert", "create")

    def drifted(self, known: TargetRecord, seen: TargetRecord) -> bool:
        return knowing.drifted(known, seen, known.agreed)

    def parsed(self, event: ChangeEvent) -> TargetEvent | None:
        return None

    def urgent(self, known: TargetRecord, event: TargetEvent, in_flight: Sequence[Act]) -> bool:
        return False

    async def facts(self, place: str, api: Api, before: object | None = None, lacking: Collection[str] = ()) -> object:
        """Which fields the module has, and what each takes."""
        return await module_facts.read(self._module.reader.module, api)

    async def look(self, place: str, keys: Sequence[str], api: Api) -> Mapping[str, TargetRecord | Failure]:
        return await self._looks.look(keys, api)

    async def apply(
        self, place: str, acts: Sequence[Act], facts: object | None, api: Api, sending: Sending
    ) -> Answered:
        known = facts if isinstance(facts, ModuleFacts) else ModuleFacts(known=False)
        try:
            answer = await api.call(module_writes.call_of(self._module, acts, known, sending))
        except Rejected as refusal:
            raise module_writes.refusal_of(refusal) from refusal
        return module_writes.answered(self._module, acts, answer)

    async def places(self, connection: Connection, api: Api) -> Sequence[Place]:
        """A connection speaks for one account."""
        return [Place(connection.details.get("org_id", ""), connection.name)]

    async def catalogue(self, connection: Connection, place: str, api: Api) -> FieldCatalogue:
        return self.catalogue_of(await module_facts.read(self._module.reader.module, api))

    def catalogue_of(self, facts: ModuleFacts) -> FieldCatalogue:
        """What can be written: the columns of the module as this account has them, our own field once it is there, and the account's own."""
        reader = self._module.reader
        columns = [self._column(one.field(), facts, one.names) for one in module_wire.columns_of(reader).values()]
        ours = [field_making.key_of(self._module)] if facts.has(self._module.key_field) else []
        matched = [CatalogueField(path, "E-mail of a contact", "email") for path in sorted(self._module.matches_only)]
        ways = (
            CatalogueField(TRIGGER, "Automation that is set off", "choice", choices=tuple(TRIGGERS)),
            CatalogueField(COMPARE, "What a change is compared with", "choice", choices=COMPARES),
        )
        known = reader.known | {self._module.key_field}
        custom = [
            module_facts.shown(one)
            for one in facts.fields.values()
            if one.name not in known and module_facts.has_value(one)
        ]
        return FieldCatalogue((*ours, *columns, *matched, *ways, *custom), complete=facts.known)

    def _column(self, field: CatalogueField, facts: ModuleFacts, names: Sequence[str]) -> CatalogueField:
        one = facts.fields.get(names[0]) if len(names) == 1 else None
        if one is None:
            return field
        stands_in = field.path in self._module.stand_ins
        return replace(
            field, required=one.mandatory and not stands_in, max_length=(one.length or None) if field.type == "text" else None,
            choices=one.choices if field.type == "choice" else (),
        )  # fmt: skip

    async def create_fields(
        self, connection: Connection, place: str, asked: Sequence[AskedField], api: Api
    ) -> MadeFields:
        facts, refused = await field_making.made(self._module, asked, api)
        return MadeFields(self.catalogue_of(facts), refused)

    def _differing(self, values: Mapping[str, Any], seen: TargetRecord) -> list[str]:
        alike = partial(module_plan.alike, self._module)
        return [path for path, value in values.items() if alike(path, seen.seen.get(path)) != alike(path, value)]


class AccountTarget(ModuleTarget):
    """An account without a contact, where there is no field of ours, is known by its name and its age."""

    async def look_back(
        self, place: str, since: Mapping[str, datetime], api: Api
    ) -> Mapping[str, TargetRecord | Failure]:
        return await self._looks.look(list(since), api, since)


TARGETS: Mapping[Entity, ModuleTarget] = {
    entity: (AccountTarget if row.by_contacts else ModuleTarget)(row) for entity, row in MODULES.items()
}
