"""Records of Shopify in neutral words: from webhooks, by id, and whole lists.

In: a webhook's bytes, or an answer. Out: a state of the record. Durable: nothing here; whoever asked stores or sends it.

Promise: a state says exactly what the vendor's bytes said, by `updated_at`; webhooks are read in `receipts.py`.

Reading changes nothing, so a crash before or after a read costs one call and no record.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from common.contracts.connections import Connection
from common.contracts.ids import Entity
from common.contracts.messages import Coverage, Receipt, Version
from common.failures import Failure
from common.http.call import Api, VendorAnswer
from vendors.answers import reading, unreadable
from vendors.catalogue import FieldCatalogue
from vendors.feeds import Feed
from vendors.grant import Place
from vendors.one_by_one import one_by_one
from vendors.shopify import catalogue, completing, listing, queries, receipts, wire
from vendors.shopify.client import asked, told
from vendors.shopify.order_pages import whole
from vendors.shopify.orders import Thin, is_cut, with_rounding
from vendors.shopify.receipts import TELLERS, unreadable_hook
from vendors.vendor import Cursor, Page, ReceiptReading, State, Subject

ORDER, CUSTOMER = Entity("order"), Entity("customer")
SETTLES_AFTER = completing.SETTLES_AFTER
AT_ONCE = 2


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
        return receipts.told(receipt)

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
        raise unreadable_hook(str(error)) from error
    # R10: settled only if the vendor's own clock says that the stamp's second, and the read lag, are over.
    version = Version(stamp=moment, settled=answer.date >= moment + SETTLES_AFTER)
    return _made(subject, "changed", version, "detail", parsed, answer)


def _made(
    subject: Subject, kind: Any, version: Version, coverage: Coverage, parsed: Mapping[str, Any], answer: VendorAnswer
) -> State:
    return State(subject.entity, subject.record, kind, version, coverage, parsed, answer.date)
