"""Records of Shopify in neutral words: from webhooks, by id, and whole lists.

In: a webhook's bytes, or an answer. Out: a state of the record. Durable: nothing here; whoever asked stores or sends it.

Promise: a state says exactly what the vendor's bytes said, by `updated_at`. A webhook's body is never settled (R10): its stamp has a resolution of
one second, and the vendor sends it up to a day late, in any order; so the first topic seen makes the record, whatever it is called, and an older
one changes nothing. What tells too little (an edit, a refund, a parcel; money that is told in one currency of two, or of an order that is no
longer unpaid, whose transactions no webhook has) only says which order to read, and of the last only the rest. A deletion only asks (R12).

Reading changes nothing, so a crash before or after a read costs one call and no record.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from common.contracts.connections import Connection
from common.contracts.ids import Entity
from common.contracts.messages import Coverage, Receipt, Version
from common.failures import Failure, Rejected
from common.http.call import Api, VendorAnswer
from vendors.answers import reading, unreadable
from vendors.catalogue import FieldCatalogue
from vendors.grant import Place
from vendors.one_by_one import one_by_one
from vendors.shopify import catalogue, completing, inbox, listing, queries, wire
from vendors.shopify.client import asked, told
from vendors.shopify.errors import SH_WEBHOOK_UNREADABLE
from vendors.shopify.order_pages import whole
from vendors.shopify.orders import Thin, is_cut, order, with_rounding
from vendors.shopify.people import customer
from vendors.shopify.topics import ACCOUNT_TOPICS, TOPICS, UNINSTALLED
from vendors.vendor import Announcement, Cursor, Feed, Page, ReceiptReading, State, Subject

ORDER, CUSTOMER = Entity("order"), Entity("customer")
SETTLES_AFTER = completing.SETTLES_AFTER
AT_ONCE = 2
_UNPAID = "pending"
TELLERS: Mapping[Entity, Callable[[Mapping[str, Any]], dict[str, Any]]] = {ORDER: order, CUSTOMER: customer}


class ShopifySource:
    """Reads orders with all that belongs to them, and customers."""

    entities: Mapping[Entity, str] = {ORDER: "Orders", CUSTOMER: "Customers"}
    settles_after = SETTLES_AFTER
    polled_every = timedelta(minutes=15)
    feeds: Mapping[Entity, Feed] = {}
    # A list of orders tells ids and stamps; of customers it tells all there is.
    detail_only: Mapping[Entity, frozenset[str]] = {ORDER: catalogue.BEYOND_LISTS, CUSTOMER: frozenset()}

    def receipt(self, receipt: Receipt) -> ReceiptReading:
        """A whole body tells by itself; the others only say which record to read."""
        headers = dict(receipt.headers)
        if ACCOUNT_TOPICS.get(headers.get(inbox.TOPIC, "")) is UNINSTALLED:
            return ReceiptReading(doubts_access=True)
        topic = TOPICS.get(headers.get(inbox.TOPIC, ""))
        subject = inbox.subject_of(topic, receipt.body) if topic else None
        if topic is None or subject is None:
            raise _unreadable("It is of no topic that we asked for, or names no record.")
        if topic.gone:
            version = Version(stamp=receipt.received_at, settled=False)
            return ReceiptReading(
                [State(subject.entity, subject.record, "asked", version, "ask", {}, receipt.received_at)]
            )
        try:
            found = wire.body_of(receipt.body)
            moment = wire.stamp(found)
            if not topic.whole or moment is None:
                return ReceiptReading(thin=[subject])
            parsed = wire.fields(subject.entity, found, TELLERS[subject.entity])
            version = Version(stamp=moment, settled=False)
            if parsed.get("financial_status", _UNPAID) != _UNPAID:
                # Money moved, and webhooks have no transactions: without them an invoice would stay open.
                return ReceiptReading(thin=[_with_what_was_heard(subject, version, parsed)])
        except Thin:
            return ReceiptReading(thin=[subject])
        except wire.UnreadableBody as error:
            raise _unreadable(str(error)) from error
        return ReceiptReading(
            [State(subject.entity, subject.record, "changed", version, "hook", parsed, receipt.received_at)]
        )

    async def read(self, connection: Connection, subjects: Sequence[Subject], api: Api) -> Sequence[State | Failure]:
        """One call a record, two at once: several in one question would cost as much and fail together. Of orders that webhooks have told
        of the rest is little, and one question asks it of many."""

        async def each(some: Sequence[Subject]) -> Sequence[State | Failure]:
            return await one_by_one(some, lambda subject: _read_one(subject, api), at_once=AT_ONCE)

        return await completing.read(subjects, api, each)

    async def pages(
        self, connection: Connection, entity: Entity, since: Cursor | None, api: Api, place: str = ""
    ) -> AsyncIterator[Page]:
        """A connection is one shop, so there is one place."""
        reader = listing.ShopListing(entity, since)
        while not reader.over:
            yield reader.page(await api.call(reader.call()))

    async def places(self, connection: Connection, api: Api) -> Sequence[Place]:
        """A connection speaks for one shop, and its records say of none."""
        return [Place(connection.details.get("shop", ""), connection.name)]

    async def catalogue(self, connection: Connection, entity: Entity, api: Api) -> FieldCatalogue:
        """Shops add no fields of their own to these records, but metafields, which are not read."""
        return catalogue.CATALOGUES[entity]


def _with_what_was_heard(subject: Subject, version: Version, parsed: Mapping[str, Any]) -> Subject:
    """A refund is told in part, and of one currency: then the order is read as a whole."""
    return subject if parsed.get("refunds") else replace(subject, heard=Announcement(version, parsed))


async def _read_one(subject: Subject, api: Api) -> State:
    if subject.entity == CUSTOMER:
        answer = await api.call(asked(queries.CUSTOMER, "customers.read", id=wire.gid("Customer", subject.record)))
        return _state(subject, answer, told(answer).get("customer"))
    for lines, back in (queries.FEW, queries.MANY):
        call = asked(queries.ORDER, "orders.read", id=wire.gid("Order", subject.record), lines=lines, back=back)
        answer = await api.call(call)
        with reading(answer):
            found = told(answer)["order"]
            if found is None or not is_cut(found):
                return _state(subject, answer, with_rounding(found))
    with reading(answer):
        return _state(subject, answer, with_rounding(await whole(found, api)))


def _state(subject: Subject, answer: VendorAnswer, found: Any) -> State:
    if found is None:
        # R12: gone as of the answer's own Date; that is the deletion.
        version = Version(stamp=answer.date, settled=True)
        return _made(subject, "deleted", version, "gone", {}, answer)
    moment = wire.stamp(found) if isinstance(found, dict) else None
    if moment is None:
        raise unreadable(answer)
    try:
        parsed = wire.fields(subject.entity, found, TELLERS[subject.entity])
    except (wire.UnreadableBody, Thin) as error:
        raise _unreadable(str(error)) from error
    # R10: settled only if the vendor's own clock says that the stamp's second, and the read lag, are over.
    version = Version(stamp=moment, settled=answer.date >= moment + SETTLES_AFTER)
    return _made(subject, "changed", version, "detail", parsed, answer)


def _made(
    subject: Subject, kind: Any, version: Version, coverage: Coverage, parsed: Mapping[str, Any], answer: VendorAnswer
) -> State:
    return State(subject.entity, subject.record, kind, version, coverage, parsed, answer.date)


def _unreadable(why: str) -> Rejected:
    return Rejected(SH_WEBHOOK_UNREADABLE.name, f"{SH_WEBHOOK_UNREADABLE.meaning} {why}")
