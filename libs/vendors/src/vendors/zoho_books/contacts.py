"""Customers as contacts of Zoho Books: the newest state counts.

They come from a shop, or are kept in step with records that are edited elsewhere. A create is refused by Books where somebody has the name
already, and looked at by the e-mail address after an outcome that nobody saw; every other act sends the same values again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from common.contracts.connections import Connection
from common.contracts.messages import ChangeEvent
from common.contracts.outcomes import SkipReason
from common.contracts.syncs import Mode
from common.failures import Failure, Rejected
from common.http.call import Api, Call, VendorAnswer
from vendors.absorbing import Absorbed, Fact, TargetEvent
from vendors.acts import Act, Answered, Attempt, ByMatch, Done, Sending, Step, Work
from vendors.catalogue import AskedField, CatalogueField, FieldCatalogue, MadeFields
from vendors.choices import Choices
from vendors.deferred import Deferred
from vendors.grant import Place
from vendors.target_record import TargetRecord
from vendors.zoho_books import contact_looks, contact_plan, contact_wire, knowing, organisation_lists, wire, writes
from vendors.zoho_books.contact_plan import ADDRESSES, KEY, KEY_FIELD, PERSON, PERSON_ID, PLAIN, STATUS
from vendors.zoho_books.errors import ZB_INVALID_VALUE
from vendors.zoho_books.invoice_codes import ZB_CUSTOMER_KEY_TAKEN, ZB_NO_FIELD_BY_API, refused
from vendors.zoho_books.invoice_fields import INACTIVE
from vendors.zoho_books.organisation_facts import CURRENCIES, OrganisationFacts
from vendors.zoho_books.organisation_lists import CUSTOMER_FIELDS

_PARTS = ("street", "city", "zip", "country")
_FIELDS = (
    CatalogueField("key", "Id in the other system", "text"),
    CatalogueField(KEY_FIELD, "Custom field of that id", "choice", choices=CUSTOMER_FIELDS),
    CatalogueField("email", "E-mail", "email"),
    CatalogueField("name", "Display name", "text", max_length=200),
    CatalogueField("first_name", "First name", "text", max_length=100),
    CatalogueField("last_name", "Last name", "text", max_length=100),
    CatalogueField("company", "Company name", "text", max_length=200),
    CatalogueField("phone", "Phone", "phone"),
    CatalogueField("mobile", "Mobile", "phone"),
    CatalogueField("website", "Website", "url"),
    CatalogueField("billing", "Billing address", "address"),
    CatalogueField("shipping", "Shipping address", "address"),
    CatalogueField("currency", "Currency, once", "text", max_length=3),
    INACTIVE,
)
_PATHS: Mapping[str, tuple[str, str]] = {
    "create": ("POST", "/contacts"),
    "update": ("PUT", "/contacts/{id}"),
    "person": ("PUT", "/contacts/contactpersons/{id}"),
    "leave": ("PUT", "/contacts/contactpersons/{id}"),
    "add_person": ("POST", "/contacts/contactpersons"),
    "inactivate": ("POST", "/contacts/{id}/inactive"),
    "reactivate": ("POST", "/contacts/{id}/active"),
}

_STATUSES: Mapping[str, str] = {"inactivate": "inactive", "reactivate": "active"}


class ContactTarget:
    """The document is the neutral customer, as far as the mapping fills it, and `key`: its id where it comes from."""

    mode: Mode = "state"
    places_name = "organisation"
    looks = together = 1
    key_missing = SkipReason.NO_EMAIL
    key_invalid = SkipReason.INVALID_EMAIL
    choices = Choices(gone=("inactive", "leave"), on_delete="leave", on_filtered="leave", without_key="leave")
    facts_in_parts = frozenset({"fields", CURRENCIES})
    hears: bool = False
    deferred: Deferred | None = None

    def identify(self, document: Mapping[str, Any]) -> ByMatch | None:
        email = str(document.get("email") or "").strip().casefold()
        if email:
            return ByMatch("email", email)
        return ByMatch("key", contact_plan.by_field(document)) if document.get("key") else None

    def keys(self, document: Mapping[str, Any]) -> Sequence[str]:
        match = self.identify(document)
        return [match.value] if match else []

    def gone(self, how: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"how": how}

    def lets_go(self, document: Mapping[str, Any]) -> bool:
        return False

    def plan(self, work: Work, facts: object | None) -> Step:
        return contact_plan.next_step(work, facts)

    def absorb(self, known: TargetRecord, fact: Fact) -> Absorbed:
        return knowing.absorb(known, fact)

    def landed(self, attempt: Attempt, seen: TargetRecord) -> Done | None:
        if attempt.act.action == "leave":
            return None if seen.exists else Done(exists=False)
        if not seen.exists:
            return None
        told = attempt.act.action == "create" or all(seen.seen.get(p) == v for p, v in attempt.act.values.items())
        return Done(seen.seen, id=seen.id) if told else None

    def late(self, attempt: Attempt, known: TargetRecord, seen: TargetRecord) -> bool:
        return self.landed(attempt, seen) is not None and self.landed(attempt, known) is None

    def brings(self, act: Act) -> bool:
        return act.action == "create"

    def drifted(self, known: TargetRecord, seen: TargetRecord) -> bool:
        return knowing.drifted(known, seen, (*PLAIN, *PERSON, *ADDRESSES))

    def parsed(self, event: ChangeEvent) -> TargetEvent | None:
        return None

    def urgent(self, known: TargetRecord, event: TargetEvent, in_flight: Sequence[Act]) -> bool:
        return False

    async def facts(self, place: str, api: Api, before: object | None = None, lacking: Collection[str] = ()) -> object:
        """Which field takes the key once; and currencies, where somebody is made who has one."""
        there = before if isinstance(before, OrganisationFacts) else OrganisationFacts()
        return await organisation_lists.renewed(there, [*lacking] or ["fields"], api)

    async def look(self, place: str, keys: Sequence[str], api: Api) -> Mapping[str, TargetRecord | Failure]:
        (key,) = keys
        try:
            return {key: await contact_looks.found(key, api)}
        except Failure as failure:
            return {key: failure}

    async def apply(
        self, place: str, acts: Sequence[Act], facts: object | None, api: Api, sending: Sending
    ) -> Answered:
        (act,) = acts
        method, path = _PATHS[act.action]
        of_person = act.action in ("person", "add_person", "leave")
        body = (
            None
            if act.action in _STATUSES
            else contact_wire.person_request(act)
            if of_person
            else contact_wire.request(act)
        )
        where = (
            {"id": act.memory[PERSON_ID] if act.action in ("person", "leave") else act.memory["id"]}
            if "{id}" in path
            else {}
        )
        call = Call(
            method, path, f"contacts.{act.action}", path=where, json=body, writes=True, priority=sending.priority,
            before_send=sending.before_send,
        )  # fmt: skip
        try:
            answer = await api.call(call)
        except Rejected as refusal:
            raise _taken(refusal, act) from refusal
        with writes.reading_a_write(answer):
            return Answered([_done(act, answer)], answer)

    async def places(self, connection: Connection, api: Api) -> Sequence[Place]:
        return writes.organisation_of(connection)

    async def catalogue(self, connection: Connection, place: str, api: Api) -> FieldCatalogue:
        return FieldCatalogue(_FIELDS)

    async def create_fields(
        self, connection: Connection, place: str, asked: Sequence[AskedField], api: Api
    ) -> MadeFields:
        raise refused(ZB_NO_FIELD_BY_API, f"Asked for: {', '.join(one.path for one in asked)}.")


def _taken(refusal: Rejected, act: Act) -> Rejected:
    """Our own id is in the unique field of another customer: that one is looked at, and it is decided again."""
    words, names = (refusal.vendor_words or "").casefold(), (act.memory.get("field"), act.memory.get("label"))
    if KEY not in act.values or refusal.code != ZB_INVALID_VALUE.name:
        return refusal
    if not any(name and str(name).casefold() in words for name in names):
        return refusal
    return Rejected(
        ZB_CUSTOMER_KEY_TAKEN.name, ZB_CUSTOMER_KEY_TAKEN.meaning, vendor_status=refusal.vendor_status,
        vendor_code=refusal.vendor_code, vendor_words=refusal.vendor_words, vendor_request_id=refusal.vendor_request_id,
    )  # fmt: skip


def _done(act: Act, answer: VendorAnswer) -> Done:
    if act.action == "leave":
        return Done(exists=False)
    # R17: these answers do not show when the customer was changed by them; the vendor's own clock does, to the second.
    if act.action in _STATUSES:
        return Done({STATUS: _STATUSES[act.action]}, id=act.memory["id"], stamp=answer.date)
    body = wire.body_of(answer.body)
    if act.action in ("person", "add_person"):
        person = contact_wire.of_person(contact_wire.person_in(body["contact_person"]))
        return Done(person, id=act.memory["id"], stamp=answer.date)
    found = body["contact"]
    return Done(contact_wire.seen(found), id=str(found["contact_id"]), stamp=wire.stamp(found))
