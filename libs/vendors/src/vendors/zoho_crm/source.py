"""Records of Zoho CRM in neutral words: by id, and whole modules.

In: a callback's bytes, or an answer. Out: a state of the record. Durable: nothing here; whoever asked stores or sends it.

Promise: a state says exactly what the vendor's bytes said, by which version, and whether that version is settled. A callback holds no record
and no proof but a secret of its address, so it only says which records to read; one of a deletion asks (R12). A read by id that has no answer
is the deletion, as of its Date.

Reading changes nothing, so a crash before or after a read costs one call and no record: whoever asked asks again, and the same state has the
same event id.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta

from common.contracts.connections import Connection
from common.contracts.ids import Entity
from common.contracts.messages import Receipt, Version
from common.failures import Failure, Rejected
from common.http.call import Api, Call, VendorAnswer
from vendors.answers import reading
from vendors.catalogue import FieldCatalogue
from vendors.feeds import Feed
from vendors.grant import Place
from vendors.one_by_one import one_by_one
from vendors.vendor import Cursor, Page, ReceiptReading, State, Subject
from vendors.zoho_crm import callback, custom_fields, wire
from vendors.zoho_crm.errors import ZC_ANSWER_ODD, ZC_LIST_BEYOND, ZC_NOT_FOUND
from vendors.zoho_crm.listing import ModuleListing
from vendors.zoho_crm.reader import STAMP, author_of
from vendors.zoho_crm.readers import READERS

# One second of resolution and one of lag between the write and what a read shows.
SETTLES_AFTER = timedelta(seconds=2)
POLLED_EVERY = timedelta(minutes=5)
AT_ONCE = 4


class ZohoCrmSource:
    """Reads what the table of readers has."""

    entities: Mapping[Entity, str] = {Entity(entity): reader.title for entity, reader in READERS.items()}
    settles_after = SETTLES_AFTER
    polled_every = POLLED_EVERY
    feeds: Mapping[Entity, Feed] = {}
    detail_only: Mapping[Entity, frozenset[str]] = {
        Entity(entity): reader.detail_only for entity, reader in READERS.items()
    }

    def receipt(self, receipt: Receipt) -> ReceiptReading:
        """Which records to read; one callback may name several."""
        try:
            told = callback.read(receipt.body)
        except wire.UnreadableRecord as error:
            raise Rejected(ZC_ANSWER_ODD.name, f"{ZC_ANSWER_ODD.meaning} {error}") from error
        if not told.is_deletion:
            return ReceiptReading(thin=told.subjects)
        at = receipt.received_at
        asked = Version(stamp=at, settled=False)
        return ReceiptReading([State(one.entity, one.record, "asked", asked, "ask", {}, at) for one in told.subjects])

    async def read(self, connection: Connection, subjects: Sequence[Subject], api: Api) -> Sequence[State | Failure]:
        """One call a record, a few at once: a read of several would leave out lines and cut long texts."""
        return await one_by_one(subjects, lambda subject: _read_one(subject, api), at_once=AT_ONCE)

    async def pages(
        self, connection: Connection, entity: Entity, since: Cursor | None, api: Api, place: str = ""
    ) -> AsyncIterator[Page]:
        """A connection is one account, so there is one place. A page whose token has died begins the whole listing anew."""
        listing = ModuleListing(entity, since)
        while not listing.over:
            try:
                answer = await api.call(listing.call())
            except Rejected as failure:
                if failure.code != ZC_LIST_BEYOND.name or not listing.goes_on:
                    raise
                listing = ModuleListing(entity, None)
                continue
            page = listing.page(answer)
            is_last = listing.over and listing.tells_changes
            yield listing.with_gone(page, await _deleted(listing, api)) if is_last else page

    async def places(self, connection: Connection, api: Api) -> Sequence[Place]:
        """A connection speaks for one account, and its records say of none."""
        return [Place(connection.details.get("org_id", ""), connection.name)]

    async def catalogue(self, connection: Connection, entity: Entity, api: Api) -> FieldCatalogue:
        """The fields that all accounts have, and whatever else the settings of this one name."""
        return await custom_fields.learnt(READERS[entity], api)


async def _deleted(listing: ModuleListing, api: Api) -> list[State]:
    states, more, number = list[State](), True, 1
    while more:
        found, more = listing.gone(await api.call(listing.deleted(number)))
        states, number = states + found, number + 1
    return states


async def _read_one(subject: Subject, api: Api) -> State:
    reader = READERS[subject.entity]
    call = Call("GET", f"{reader.path}/{{id}}", f"{subject.entity}s.read", path={"id": subject.record})
    try:
        answer = await api.call(call)
    except Rejected as failure:
        if failure.code != ZC_NOT_FOUND.name or failure.vendor_date is None:
            raise
        return _gone(subject, Version(stamp=failure.vendor_date, settled=True))
    if not answer.body:
        # R12: gone as of the answer's own Date; that is the deletion.
        return _gone(subject, Version(stamp=answer.date, settled=True))
    with reading(answer):
        (found,) = wire.body_of(answer.body)["data"]
    return _detail(subject, answer, found)


def _gone(subject: Subject, version: Version) -> State:
    return State(subject.entity, subject.record, "deleted", version, "gone", {}, version.stamp)


def _detail(subject: Subject, answer: VendorAnswer, found: object) -> State:
    row = found if isinstance(found, dict) else {}
    moment = wire.stamp(row.get(STAMP))
    if moment is None:
        raise Rejected(ZC_ANSWER_ODD.name, f"The answer holds no record with a {STAMP}.")
    # R10: settled only if the vendor's own clock says that the stamp's second, and the read lag, are over.
    version = Version(stamp=moment, settled=answer.date >= moment + SETTLES_AFTER)
    try:
        parsed = READERS[subject.entity].detail(row)
    except wire.UnreadableRecord as error:
        raise Rejected(ZC_ANSWER_ODD.name, f"{ZC_ANSWER_ODD.meaning} {error}") from error
    return State(
        subject.entity, subject.record, "changed", version, "detail", parsed, answer.date, author=author_of(row)
    )
