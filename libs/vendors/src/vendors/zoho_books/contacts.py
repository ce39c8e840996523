"""Customers as contacts of Zoho Books: the newest state counts.

A create is refused by Books where somebody has the name already, and looked at by the e-mail address after an outcome that nobody saw; every
other act sends the same values again.
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
from vendors.acts import Act, Answered, Attempt, ByMatch, Done, Sending, Step, Work, id_of_key
from vendors.answers import reading
from vendors.catalogue import CatalogueField, FieldCatalogue
from vendors.choices import Choices
from vendors.deferred import Deferred
from vendors.grant import Place
from vendors.target_record import TargetRecord
from vendors.zoho_books import contact_plan, contact_wire, knowing, wire, writes
from vendors.zoho_books.contact_plan import ADDRESSES, PERSON, PERSON_ID, PLAIN, STATUS
from vendors.zoho_books.errors import ZB_NOT_FOUND
from vendors.zoho_books.invoice_codes import ZB_CUSTOMER_TWICE, ZB_NO_FIELD_BY_API, refused

_PARTS = ("street", "city", "zip", "country")
_FIELDS = (
    CatalogueField("email", "E-mail", "email", required=True),
    CatalogueField("name", "Display name", "text", max_length=200),
    CatalogueField("first_name", "First name", "text", max_length=100),
    CatalogueField("last_name", "Last name", "text", max_length=100),
    CatalogueField("company", "Company name", "text", max_length=200),
    CatalogueField("phone", "Phone", "phone"),
    CatalogueField("mobile", "Mobile", "phone"),
    CatalogueField("website", "Website", "url"),
    CatalogueField("billing", "Billing address", "address"),
    CatalogueField("shipping", "Shipping address", "address"),
)
_PATHS: Mapping[str, tuple[str, str]] = {
    "create": ("POST", "/contacts"),
    "update": ("PUT", "/contacts/{id}"),
    "person": ("PUT", "/contacts/contactpersons/{id}"),
    "leave": ("PUT", "/contacts/contactpersons/{id}"),
    "add_person": ("POST", "/contacts/contactpersons"),
    "inactivate": ("POST", "/contacts/{id}/inactive"),
}


class ContactTarget:
    """The document is the neutral customer, as far as the mapping fills it."""

    mode: Mode = "state"
    places_name = "organisation"
    looks = together = 1
    key_missing = SkipReason.NO_EMAIL
    key_invalid = SkipReason.INVALID_EMAIL
    choices = Choices(gone=("inactive", "leave"), on_delete="leave", on_filtered="leave", without_key="leave")
    facts_in_parts = frozenset[str]()
    hears: bool = False
    deferred: Deferred | None = None

    def identify(self, document: Mapping[str, Any]) -> ByMatch | None:
        email = str(document.get("email") or "").strip().casefold()
        return ByMatch("email", email) if email else None

    def keys(self, document: Mapping[str, Any]) -> Sequence[str]:
        match = self.identify(document)
        return [match.value] if match else []

    def gone(self, how: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"how": how}

    def lets_go(self, document: Mapping[str, Any]) -> bool:
        return False

    def plan(self, work: Work, facts: object | None) -> Step:
        return contact_plan.next_step(work)

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
        raise AssertionError("nothing has to be known of an organisation before a customer is written")

    async def look(self, place: str, keys: Sequence[str], api: Api) -> Mapping[str, TargetRecord | Failure]:
        (key,) = keys
        try:
            return {key: await _found(key, api)}
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
            if act.action == "inactivate"
            else contact_wire.person_request(act)
            if of_person
            else contact_wire.request(act)
        )
        where = (
            {"id": act.memory[PERSON_ID] if act.action in ("person", "leave") else act.memory["id"]}
            if "{id}" in path
            else {}
        )
        answer = await api.call(
            Call(
                method, path, f"contacts.{act.action}", path=where, json=body, writes=True, priority=sending.priority,
                before_send=sending.before_send,
            )
        )  # fmt: skip
        with writes.reading_a_write(answer):
            return Answered([_done(act, answer)], answer)

    async def places(self, connection: Connection, api: Api) -> Sequence[Place]:
        return writes.organisation_of(connection)

    async def catalogue(self, connection: Connection, place: str, api: Api) -> FieldCatalogue:
        return FieldCatalogue(_FIELDS)

    async def create_field(
        self, connection: Connection, place: str, path: str, type: str, api: Api, label: str = ""
    ) -> CatalogueField:
        raise refused(ZB_NO_FIELD_BY_API, f"Asked for: {path}.")


def _done(act: Act, answer: VendorAnswer) -> Done:
    if act.action == "leave":
        return Done(exists=False)
    if act.action == "inactivate":
        return Done({STATUS: "inactive"}, id=act.memory["id"])
    body = wire.body_of(answer.body)
    if act.action in ("person", "add_person"):
        return Done(contact_wire.of_person(contact_wire.person_in(body["contact_person"])), id=act.memory["id"])
    found = body["contact"]
    return Done(contact_wire.seen(found), id=str(found["contact_id"]), stamp=wire.stamp(found))


async def _found(key: str, api: Api) -> TargetRecord:
    """By the id of a link, else by the address: the list lags, and what it names is read by id."""
    linked = id_of_key(key)
    ids = [linked] if linked else await _with_email(key, api)
    there = [one for id in ids if (one := await _detail(id, api)) and (linked or contact_wire.has_email(one, key))]
    if len(there) > 1:
        active = [one for one in there if one["status"] == "active"]
        if len(active) != 1:
            raise refused(ZB_CUSTOMER_TWICE, ", ".join(str(one["contact_name"]) for one in there))
        there = active
    return contact_wire.shown(there[0]) if there else TargetRecord(exists=False)


async def _with_email(email: str, api: Api) -> list[str]:
    answer = await api.call(
        Call("GET", "/contacts", "contacts.find", query={"email": email, "contact_type": "customer"})
    )
    with reading(answer):
        return [str(row["contact_id"]) for row in wire.body_of(answer.body)["contacts"]]


async def _detail(id: str, api: Api) -> dict[str, Any]:
    try:
        answer = await api.call(Call("GET", "/contacts/{id}", "contacts.read", path={"id": id}))
    except Rejected as refusal:
        if refusal.code != ZB_NOT_FOUND.name:
            raise
        return {}
    with reading(answer):
        return dict(wire.body_of(answer.body)["contact"])
