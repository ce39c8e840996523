"""Contact persons of Zoho Books, written by their own addresses: a customer that is saved with a list of persons loses all others.

A create is looked for among the persons of the customer after an outcome that nobody saw, by a read that does not lag; an update sends the
same values again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from common.contracts.connections import Connection
from common.contracts.messages import ChangeEvent
from common.contracts.outcomes import SkipReason
from common.contracts.syncs import Mode
from common.failures import Failure, Rejected
from common.http.call import Api, Call
from vendors.absorbing import Absorbed, Fact, TargetEvent
from vendors.acts import Act, Answered, Attempt, ByMatch, Done, Sending, Step, Work, id_of_key
from vendors.answers import reading
from vendors.catalogue import AskedField, CatalogueField, FieldCatalogue, MadeFields
from vendors.choices import Choices
from vendors.deferred import Deferred
from vendors.grant import Place
from vendors.target_record import TargetRecord
from vendors.zoho_books import contact_persons, contact_wire, knowing, person_plan, wire, writes
from vendors.zoho_books.errors import ZB_NOT_FOUND
from vendors.zoho_books.invoice_codes import ZB_NO_FIELD_BY_API, ZB_PERSON_TWICE, refused
from vendors.zoho_books.person_plan import CUSTOMER, PATHS

_THEIRS = {path: "designation" if path == "title" else path for path in PATHS}
_FIELDS = (
    CatalogueField(CUSTOMER, "Customer, by its id in the other system", "text", required=True),
    CatalogueField("email", "E-mail", "email"),
    CatalogueField("salutation", "Salutation", "text", max_length=25),
    CatalogueField("first_name", "First name", "text", max_length=100),
    CatalogueField("last_name", "Last name", "text", max_length=100),
    CatalogueField("phone", "Phone", "phone"),
    CatalogueField("mobile", "Mobile", "phone"),
    CatalogueField("title", "Designation", "text", max_length=50),
    CatalogueField("department", "Department", "text", max_length=50),
)


class PersonTarget:
    """The document is the neutral person, and `customer_id`: the customer's id where the person comes from."""

    mode: Mode = "state"
    places_name = "organisation"
    looks = together = 1
    key_missing = SkipReason.NO_EMAIL
    key_invalid = SkipReason.INVALID_EMAIL
    choices = Choices(gone=("leave",), on_delete="leave", on_filtered="leave", without_key="leave")
    facts_in_parts: frozenset[str] = frozenset()
    hears: bool = False
    deferred: Deferred | None = None

    def identify(self, document: Mapping[str, Any]) -> ByMatch | None:
        field, key = person_plan.key_of(str(document.get(CUSTOMER) or ""), document)
        return ByMatch(field, key) if key else None

    def keys(self, document: Mapping[str, Any]) -> Sequence[str]:
        match = self.identify(document)
        return [match.value] if match else []

    def gone(self, how: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"how": how}

    def lets_go(self, document: Mapping[str, Any]) -> bool:
        return False

    def plan(self, work: Work, facts: object | None) -> Step:
        return person_plan.next_step(work)

    def absorb(self, known: TargetRecord, fact: Fact) -> Absorbed:
        return knowing.absorb(known, fact)

    def landed(self, attempt: Attempt, seen: TargetRecord) -> Done | None:
        act = attempt.act
        if not seen.exists:
            return None
        told = act.action == "create" or all(seen.seen.get(path) == value for path, value in act.values.items())
        return Done(seen.seen, id=seen.id) if told else None

    def late(self, attempt: Attempt, known: TargetRecord, seen: TargetRecord) -> bool:
        return self.landed(attempt, seen) is not None and self.landed(attempt, known) is None

    def brings(self, act: Act) -> bool:
        return act.action == "create"

    def drifted(self, known: TargetRecord, seen: TargetRecord) -> bool:
        return knowing.drifted(known, seen, PATHS)

    def parsed(self, event: ChangeEvent) -> TargetEvent | None:
        return None

    def urgent(self, known: TargetRecord, event: TargetEvent, in_flight: Sequence[Act]) -> bool:
        return False

    async def facts(self, place: str, api: Api, before: object | None = None, lacking: Collection[str] = ()) -> object:
        """Nothing has to be known of an organisation for that."""
        return ()

    async def look(self, place: str, keys: Sequence[str], api: Api) -> Mapping[str, TargetRecord | Failure]:
        return {key: await _looked(key, api) for key in keys}

    async def apply(
        self, place: str, acts: Sequence[Act], facts: object | None, api: Api, sending: Sending
    ) -> Answered:
        (act,) = acts
        person = str(act.memory.get("id") or "")
        path = "/contacts/contactpersons/{id}" if person else "/contacts/contactpersons"
        body = {_THEIRS[one]: value or "" for one, value in act.values.items()} | {"contact_id": act.memory[CUSTOMER]}
        call = Call(
            "PUT" if person else "POST", path, f"contactpersons.{act.action}", path={"id": person} if person else {}, json=body, writes=True,
            priority=sending.priority, before_send=sending.before_send,
        )  # fmt: skip
        answer = await api.call(call)
        with writes.reading_a_write(answer):
            shown = contact_wire.person_in(wire.body_of(answer.body)["contact_person"])
            id = contact_persons.record_of(str(act.memory[CUSTOMER]), str(shown["contact_person_id"]))
            # R17: the answer does not show when the customer was changed by it; the vendor's own clock does, to the second.
            return Answered([Done(_seen(shown, str(act.memory[CUSTOMER])), id=id, stamp=answer.date)], answer)

    async def places(self, connection: Connection, api: Api) -> Sequence[Place]:
        return writes.organisation_of(connection)

    async def catalogue(self, connection: Connection, place: str, api: Api) -> FieldCatalogue:
        return FieldCatalogue(_FIELDS)

    async def create_fields(
        self, connection: Connection, place: str, asked: Sequence[AskedField], api: Api
    ) -> MadeFields:
        raise refused(ZB_NO_FIELD_BY_API, f"Asked for: {', '.join(one.path for one in asked)}.")


async def _looked(key: str, api: Api) -> TargetRecord | Failure:
    try:
        return await _found(key, api)
    except Failure as failure:
        return failure


async def _found(key: str, api: Api) -> TargetRecord:
    """Among the persons of the customer, by one read."""
    if linked := id_of_key(key):
        customer, person = contact_persons.ids_of(linked)
        return await _among(customer, lambda row: str(row["contact_person_id"]) == person, api)
    customer, _, who = key.partition("/")
    return await _among(customer, lambda row: _is(row, who), api)


def _is(row: Mapping[str, Any], who: str) -> bool:
    return (wire.text(row.get("email")) or "").casefold() == who if "@" in who else person_plan.full_name(row) == who


async def _among(customer: str, meant: Any, api: Api) -> TargetRecord:
    try:
        answer = await api.call(Call("GET", "/contacts/{id}", "contacts.read", path={"id": customer}))
    except Rejected as refusal:
        if refusal.code != ZB_NOT_FOUND.name:
            raise
        return TargetRecord(exists=False)
    with reading(answer):
        contact = wire.body_of(answer.body)["contact"]
        found = [row for row in contact["contact_persons"] if meant(row)]
        names = [f"{person_plan.full_name(row)} ({row['contact_person_id']})" for row in found]
        shown = [_shown(row, customer, contact) for row in found]
    if len(shown) > 1:
        raise refused(ZB_PERSON_TWICE, "; ".join(names))
    return shown[0] if shown else TargetRecord(exists=False)


def _shown(row: Mapping[str, Any], customer: str, contact: Mapping[str, Any]) -> TargetRecord:
    id = contact_persons.record_of(customer, str(row["contact_person_id"]))
    return TargetRecord(exists=True, met=True, id=id, seen=_seen(row, customer), stamp=wire.stamp(contact))


def _seen(row: Mapping[str, Any], customer: str) -> dict[str, Any]:
    return {path: wire.text(row.get(theirs)) for path, theirs in _THEIRS.items()} | {CUSTOMER: customer}
