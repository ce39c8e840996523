"""Subscriptions of Mailchimp in neutral words: from webhooks, and by id.

A webhook's time has a resolution of one second and its body may be overtaken by the next, so its version is never settled (R10). What
it tells of consent is still acted on at once, because it can only lower consent and never raise it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta

import orjson

from common.contracts.connections import Connection
from common.contracts.ids import Entity
from common.contracts.messages import Receipt, Version
from common.failures import Failure, Rejected
from common.http.call import Api, Call, VendorAnswer
from vendors.answers import reading
from vendors.catalogue import CatalogueField, FieldCatalogue
from vendors.feeds import Feed
from vendors.grant import Place
from vendors.mailchimp import catalogue, events, listing
from vendors.mailchimp.errors import MC_NOT_FOUND, MC_WEBHOOK_UNREADABLE
from vendors.mailchimp.members import parsed
from vendors.one_by_one import one_by_one
from vendors.vendor import Cursor, Page, ReceiptReading, State, Subject

SETTLES_AFTER = timedelta(seconds=3)
POLLED_EVERY = timedelta(minutes=15)
AT_ONCE = 4


class MailchimpSource:
    """Reads the members of audiences as subscriptions."""

    entities: Mapping[Entity, str] = {events.SUBSCRIPTION: "Audience members"}
    settles_after = SETTLES_AFTER
    polled_every = POLLED_EVERY
    feeds: Mapping[Entity, Feed] = {}
    detail_only: Mapping[Entity, frozenset[str]] = {}

    def receipt(self, receipt: Receipt) -> ReceiptReading:
        """An event tells by itself. An empty list of Mandrill's, and events of its mail, tell nothing of an audience."""
        if receipt.verified_by == "mandrill-signature":
            return ReceiptReading()
        try:
            event = events.read(receipt.body)
        except events.UnreadableForm as error:
            raise Rejected(MC_WEBHOOK_UNREADABLE.name, f"{MC_WEBHOOK_UNREADABLE.meaning} {error}") from error
        # R10: unsettled, whatever the clock says.
        version = Version(stamp=event.fired_at, settled=False)
        return ReceiptReading(
            [
                State(
                    event.entity,
                    event.record,
                    "changed",
                    version,
                    "hook",
                    event.fields,
                    receipt.received_at,
                    _audience(event.record),
                )
            ]
        )

    async def read(self, connection: Connection, subjects: Sequence[Subject], api: Api) -> Sequence[State | Failure]:
        """One call a member; one that does not exist is a state `deleted` (R12)."""
        return await one_by_one(subjects, lambda subject: _read_one(subject, api), at_once=AT_ONCE)

    async def pages(
        self, connection: Connection, entity: Entity, since: Cursor | None, api: Api, place: str = ""
    ) -> AsyncIterator[Page]:
        """The members of one audience: that is the place."""
        if not place:
            raise Rejected(MC_NOT_FOUND.name, "Members are listed an audience at a time, and none is named.")
        reader = listing.MemberReading(place, since)
        while not reader.over:
            yield reader.page(await api.call(reader.call()))

    async def places(self, connection: Connection, api: Api) -> Sequence[Place]:
        """The audiences of the account."""
        return await catalogue.places(api)

    async def catalogue(self, connection: Connection, entity: Entity, api: Api) -> FieldCatalogue:
        """What every subscription has."""
        return FieldCatalogue(
            (
                CatalogueField("email", "Email Address", "email"),
                CatalogueField("status", "Status", "text"),
                CatalogueField("reason", "Reason", "text"),
                CatalogueField("happened_at", "Changed", "datetime"),
            )
        )


async def _read_one(subject: Subject, api: Api) -> State:
    member = parsed(subject.record)
    if member is None:
        raise Rejected(MC_NOT_FOUND.name, "The record id names no member of an audience.")
    call = Call(
        "GET", "/lists/{list_id}/members/{hash}", "members.read",
        path={"list_id": member.audience, "hash": member.hash}, query={"fields": ",".join(listing.TOLD)},
    )  # fmt: skip
    try:
        answer = await api.call(call)
    except Failure as failure:
        if failure.vendor_status != 404 or failure.vendor_date is None:
            raise
        # R12: gone as of the answer's own Date.
        version = Version(stamp=failure.vendor_date, settled=True)
        return State(
            subject.entity, subject.record, "deleted", version, "gone", {}, failure.vendor_date, member.audience
        )
    return _detail(subject, answer)


def _detail(subject: Subject, answer: VendorAnswer) -> State:
    with reading(answer):
        changed, fields = listing.mentions(orjson.loads(answer.body))
    version = Version(stamp=changed, settled=answer.date >= changed + SETTLES_AFTER)
    place = _audience(subject.record)
    return State(subject.entity, subject.record, "changed", version, "detail", fields, answer.date, place)


def _audience(record: str) -> str:
    member = parsed(record)
    return member.audience if member is not None else ""
