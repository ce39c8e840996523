"""Customers of QuickBooks in neutral words: whole companies, what has changed, and by id.

In: a webhook's bytes, or an answer. Out: states of records. Durable: nothing here; whoever asked stores or sends it. Reading changes nothing, so a
crash before or after a read costs one call and no record. Reads are what the vendor meters, so many are asked for together.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta

from common.contracts.connections import Connection
from common.contracts.facts import AUDIENCE_EVENT
from common.contracts.ids import Entity, RecordId
from common.contracts.messages import Receipt
from common.failures import Failure
from common.http.call import Api
from vendors.catalogue import FieldCatalogue
from vendors.feeds import Feed, kept_activity
from vendors.grant import Place
from vendors.merged import MergedAway
from vendors.quickbooks import catalogue, changes, reads, wire
from vendors.quickbooks.hook_events import events_of
from vendors.quickbooks.inbox import is_of_customer, subjects_of, unreadable_hook
from vendors.quickbooks.listing import CUSTOMER, WholeCompany
from vendors.quickbooks.marks import SETTLES_AFTER, QboMark
from vendors.vendor import Cursor, Page, ReceiptReading, State, Subject


class QuickBooksSource:
    """Reads customers."""

    entities: Mapping[Entity, str] = {CUSTOMER: "Customers"}
    # Of what a query shows: whoever waits for a disputed second is read by one.
    settles_after = SETTLES_AFTER
    polled_every = timedelta(minutes=30)
    # What audiences tell of a customer, kept by whoever hears it: nothing of it is read here.
    feeds: Mapping[Entity, Feed] = {AUDIENCE_EVENT: kept_activity(CUSTOMER)}
    detail_only: Mapping[Entity, frozenset[str]] = {CUSTOMER: frozenset()}

    def receipt(self, receipt: Receipt) -> ReceiptReading:
        """One event: that a customer has changed, and that another was merged into it; never a field. Of other records there is nothing to read."""
        try:
            told = [event for event in events_of(receipt.body) if is_of_customer(event)]
        except wire.UnreadableBooks as error:
            raise unreadable_hook(str(error)) from error
        return ReceiptReading(
            thin=[subject for event in told for subject in subjects_of(event)],
            merged=[
                MergedAway(CUSTOMER, RecordId(event.loser), RecordId(event.record)) for event in told if event.loser
            ],
        )

    async def read(self, connection: Connection, subjects: Sequence[Subject], api: Api) -> Sequence[State | Failure]:
        """Of many, thirty a call."""
        return await reads.read(subjects, api)

    async def pages(
        self, connection: Connection, entity: Entity, since: Cursor | None, api: Api, place: str = ""
    ) -> AsyncIterator[Page]:
        """A connection is one company, so there is one place."""
        mark = QboMark.of(since)
        if mark.since is not None:
            found = await changes.look(mark.since, api)
            yield found.page
            if found.everything:
                return
            mark = QboMark()
        whole = WholeCompany(mark)
        while not whole.over:
            yield whole.page(await api.call(whole.call()))

    async def places(self, connection: Connection, api: Api) -> Sequence[Place]:
        """A connection speaks for one company, and its records say of none."""
        return [Place(connection.details.get("realm_id", ""), connection.name)]

    async def catalogue(self, connection: Connection, entity: Entity, api: Api) -> FieldCatalogue:
        """A company adds no fields of its own to what is read."""
        return catalogue.CUSTOMERS
