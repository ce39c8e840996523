"""What a webhook of Shopify tells: a state, a record that has to be read, or something of the shop itself.

A body is never settled (R10): its stamp has a resolution of one second, and the vendor sends it up to a day late, in any order; so the first topic
seen makes the record, whatever it is called, and an older one changes nothing. What tells too little (an edit, a refund, a parcel; money that is
told in one currency of two, or of an order that is no longer unpaid, whose transactions no webhook has) only says which order to read, and of the
last only the rest. A deletion only asks (R12).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from common.contracts.ids import Entity
from common.contracts.messages import Receipt, Version
from common.failures import Rejected
from vendors.shopify import inbox, privacy, wire
from vendors.shopify.errors import SH_WEBHOOK_UNREADABLE
from vendors.shopify.orders import Thin, order
from vendors.shopify.people import customer
from vendors.shopify.topics import ALL_TOPICS, PRIVACY, TOPICS, UNINSTALLED, HookTopic
from vendors.shopify.versions import of_delivery
from vendors.vendor import Announcement, ReceiptReading, State, Subject

TELLERS: Mapping[Entity, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    Entity("order"): order,
    Entity("customer"): customer,
}
_UNPAID = "pending"


def told(receipt: Receipt) -> ReceiptReading:
    """With the names under which it comes again, and a notice where it is of another version than we asked for."""
    headers = dict(receipt.headers)
    found = _read(headers.get(inbox.TOPIC, ""), receipt)
    return replace(found, repeat_of=inbox.names_of(headers), notices=of_delivery(headers.get(inbox.SERVED, "")))


def unreadable_hook(why: str) -> Rejected:
    return Rejected(SH_WEBHOOK_UNREADABLE.name, f"{SH_WEBHOOK_UNREADABLE.meaning} {why}")


def _read(named: str, receipt: Receipt) -> ReceiptReading:
    if ALL_TOPICS.get(named) is UNINSTALLED:
        return ReceiptReading(doubts_access=True)
    try:
        if named in PRIVACY:
            return ReceiptReading(privacy=privacy.asked(named, receipt.body))
        topic = TOPICS.get(named)
        subject = inbox.subject_of(topic, receipt.body) if topic else None
        if topic is None or subject is None:
            raise unreadable_hook("It is of no topic that we asked for, or names no record.")
        return _of_record(topic, subject, receipt)
    except wire.UnreadableBody as error:
        raise unreadable_hook(str(error)) from error


def _of_record(topic: HookTopic, subject: Subject, receipt: Receipt) -> ReceiptReading:
    if topic.gone:
        version = Version(stamp=receipt.received_at, settled=False)
        return ReceiptReading([State(subject.entity, subject.record, "asked", version, "ask", {}, receipt.received_at)])
    found = wire.body_of(receipt.body)
    moment = wire.stamp(found)
    if not topic.whole or moment is None:
        return ReceiptReading(thin=[subject])
    try:
        parsed = wire.fields(subject.entity, found, TELLERS[subject.entity])
    except Thin:
        return ReceiptReading(thin=[subject])
    version = Version(stamp=moment, settled=False)
    if parsed.get("financial_status", _UNPAID) != _UNPAID:
        # Money moved, and webhooks have no transactions: without them an invoice would stay open.
        return ReceiptReading(thin=[_with_what_was_heard(subject, version, parsed)])
    return ReceiptReading(
        [State(subject.entity, subject.record, "changed", version, "hook", parsed, receipt.received_at)]
    )


def _with_what_was_heard(subject: Subject, version: Version, parsed: Mapping[str, Any]) -> Subject:
    """A refund is told in part, and of one currency: then the order is read as a whole."""
    return subject if parsed.get("refunds") else replace(subject, heard=Announcement(version, parsed))
