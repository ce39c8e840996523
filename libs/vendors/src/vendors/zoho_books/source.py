"""Records of Zoho Books in neutral words: from webhooks, and by id.

In: a webhook's bytes, or the answer to a read. Out: a state of the record. Durable: nothing here; whoever asked stores or sends it.

Promise: a state says exactly what the vendor's bytes said, by which version, and whether that version is settled. A webhook's body
never is (R10): its stamp has a resolution of one second and a second edit may follow within it. A webhook of a deletion only asks
(R12), because it has no stamp at all; a read by id that answers "does not exist" is the deletion, as of that answer's Date.

Reading changes nothing, so a crash before or after a read costs one call and no record: whoever asked asks again, and the same
state has the same event id.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from common.contracts.connections import Connection
from common.contracts.ids import Entity, RecordId
from common.contracts.messages import Coverage, Receipt, Version
from common.failures import Failure, Rejected
from common.http.call import Api, Call, VendorAnswer
from vendors.answers import reading
from vendors.catalogue import FieldCatalogue
from vendors.feeds import Feed, Gathering, Named
from vendors.grant import Place
from vendors.one_by_one import one_by_one
from vendors.vendor import Cursor, Page, ReceiptReading, State, Subject
from vendors.zoho_books import catalogue, custom_fields, extent, listing, person_states, wire
from vendors.zoho_books.errors import ZB_NOT_FOUND, ZB_WEBHOOK_UNREADABLE
from vendors.zoho_books.payment_parts import SHARES
from vendors.zoho_books.person_states import PERSON
from vendors.zoho_books.readers import READERS, fields

# One second of resolution and one of lag between the write and what a read shows.
SETTLES_AFTER = timedelta(seconds=2)
POLLED_EVERY = timedelta(minutes=5)
AT_ONCE = 4


def _whom(name: str, fields: Mapping[str, Any]) -> Sequence[RecordId]:
    """A payment's balance is in the invoices that it pays, so both tell of their customer alone; so it is with bills."""
    whom = fields.get(name)
    return [RecordId(whom)] if isinstance(whom, str) and whom else []


# What a person writes there is the id that the deal has in its own system; what the vendor's own link shows comes second.
DEAL_FIELD = "custom.cf_crm_deal_id"


def _deal(fields: Mapping[str, Any]) -> Named | None:
    """The deal of another system that an invoice is for."""
    for name, rule in ((DEAL_FIELD, "custom field"), ("deal_id", "zoho link")):
        if (deal := wire.record_id(fields, name)) is not None:
            return Named(RecordId(deal), rule)
    return None


_INVOICES = Feed(
    Entity("customer"),
    partial(_whom, "customer_id"),
    gathers=Gathering(Entity("deal"), "Deals that invoices name", _deal),
)
# The vendor tells of a payment, and not of the invoices whose balance it has changed.
_PAYMENTS = Feed(Entity("customer"), partial(_whom, "customer_id"), moves={Entity("invoice"): "invoices"}, parts=SHARES)
_SUPPLIERS = Feed(Entity("supplier"), partial(_whom, "supplier_id"))


class ZohoBooksSource:
    """Reads what the table of readers has, and the persons that are kept inside customers."""

    entities: Mapping[Entity, str] = {
        **{Entity(entity): reader.title for entity, reader in READERS.items()},
        PERSON: "Contact Persons",
    }
    settles_after = SETTLES_AFTER
    polled_every = POLLED_EVERY
    feeds: Mapping[Entity, Feed] = {
        Entity("invoice"): _INVOICES,
        Entity("payment"): _PAYMENTS,
        Entity("bill"): _SUPPLIERS,
        Entity("supplier_payment"): _SUPPLIERS,
    }
    detail_only: Mapping[Entity, frozenset[str]] = {
        Entity(entity): reader.detail_only for entity, reader in READERS.items()
    }

    def receipt(self, receipt: Receipt) -> ReceiptReading:
        """A signed webhook tells by itself; an unsigned one only says which record to read."""
        headers = dict(receipt.headers)
        try:
            found = wire.module_of(wire.body_of(receipt.body, headers.get("content-type", "")))
            known = wire.identity(*found) if found else None
            if found is None or known is None:
                raise wire.Unreadable("The body names no record of ours with its id.")
            subject = Subject(Entity(known[0]), RecordId(known[1]))
            return self._told(receipt, subject, found[1])
        except wire.Unreadable as error:
            raise Rejected(ZB_WEBHOOK_UNREADABLE.name, f"{ZB_WEBHOOK_UNREADABLE.meaning} {error}") from error

    def _told(self, receipt: Receipt, subject: Subject, found: Mapping[str, Any]) -> ReceiptReading:
        if _event(receipt.query) == "deleted":
            asked = Version(stamp=receipt.received_at, settled=False)
            return ReceiptReading([_state(subject, "asked", asked, "ask", {}, receipt.received_at)])
        moment = wire.stamp(found)
        if moment is None or receipt.verified_by != "signature":
            return ReceiptReading(thin=[subject])
        parsed = fields(subject.entity, found)
        # R10: unsettled, whatever the clock says.
        return ReceiptReading(
            [_state(subject, "changed", Version(stamp=moment, settled=False), "hook", parsed, receipt.received_at)]
        )

    async def read(self, connection: Connection, subjects: Sequence[Subject], api: Api) -> Sequence[State | Failure]:
        """One call a record, a few at once: the vendor has no read of several. The persons of a customer are one record."""
        wanted = list(dict.fromkeys(map(person_states.whole, subjects)))
        answers = await one_by_one(wanted, lambda subject: _read_one(subject, api), at_once=AT_ONCE)
        found = dict(zip(wanted, answers, strict=True))
        return [person_states.answer(subject, found[person_states.whole(subject)]) for subject in subjects]

    async def pages(
        self, connection: Connection, entity: Entity, since: Cursor | None, api: Api, place: str = ""
    ) -> AsyncIterator[Page]:
        """A connection is one organisation, so there is one place. Persons are shown by reading their customers, a call each."""
        if entity == PERSON:
            async for page in person_states.pages(connection, self, api):
                yield page
            return
        reader = listing.ListReading(entity, since)
        while not reader.over:
            page = reader.page(await api.call(reader.call()))
            yield replace(page, about=await extent.about(reader, api)) if extent.is_long(reader) else page

    async def places(self, connection: Connection, api: Api) -> Sequence[Place]:
        """A connection speaks for one organisation, and its records say of none."""
        organisation = connection.details.get("organization_id", "")
        return [Place(organisation, connection.name)]

    async def catalogue(self, connection: Connection, entity: Entity, api: Api) -> FieldCatalogue:
        """The known fields, and those that this organisation has added; persons have none."""
        if entity == PERSON:
            return FieldCatalogue(catalogue.PERSON)
        return await custom_fields.learnt(READERS[entity], api)


async def _read_one(subject: Subject, api: Api) -> State:
    reader = READERS[subject.entity]
    try:
        answer = await api.call(Call("GET", reader.template, f"{reader.word}s.read", path={"id": subject.record}))
    except Rejected as failure:
        if failure.code != ZB_NOT_FOUND.name or failure.vendor_date is None:
            raise
        # R12: gone as of the answer's own Date; that is the deletion.
        return _state(
            subject, "deleted", Version(stamp=failure.vendor_date, settled=True), "gone", {}, failure.vendor_date
        )
    with reading(answer):
        found = reader.in_answer(wire.body_of(answer.body))
    return _detail(subject, answer, found)


def _detail(subject: Subject, answer: VendorAnswer, found: Any) -> State:
    moment = READERS[subject.entity].moment(found) if isinstance(found, dict) else None
    if moment is None:
        raise Rejected(ZB_WEBHOOK_UNREADABLE.name, "The answer holds no record with a last_modified_time.")
    # R10: settled only if the vendor's own clock says that the stamp's second, and the read lag, are over.
    settled = answer.date >= moment + SETTLES_AFTER
    try:
        parsed = fields(subject.entity, found)
    except wire.Unreadable as error:
        raise Rejected(ZB_WEBHOOK_UNREADABLE.name, f"{ZB_WEBHOOK_UNREADABLE.meaning} {error}") from error
    return _state(subject, "changed", Version(stamp=moment, settled=settled), "detail", parsed, answer.date)


def _state(
    subject: Subject, kind: Any, version: Version, coverage: Coverage, parsed: Mapping[str, Any], seen: datetime
) -> State:
    return State(subject.entity, subject.record, kind, version, coverage, parsed, seen)


def _event(query: str) -> str:
    """The event that we wrote into the address when we registered it: the body does not tell it."""
    return dict(wire.pairs_of(query)).get("event", "").lower()
