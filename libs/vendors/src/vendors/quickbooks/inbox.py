"""How webhooks of QuickBooks are recognised (sheet, section 6.4): base64 HMAC-SHA256 with the application's verifier token over the raw body.

One address and one token for all companies that have let the application in. The answer is wanted within three seconds, and what happens meanwhile
waits for it: so a body is split and kept, and nothing is read.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from common.contracts.ids import RecordId
from common.contracts.messages import Version
from common.failures import Rejected
from vendors.quickbooks import wire
from vendors.quickbooks.errors import QB_WEBHOOK_UNREADABLE
from vendors.quickbooks.hook_events import QboEvent, events_of
from vendors.quickbooks.listing import CUSTOMER
from vendors.vendor import Announcement, HookPart, HookRequest, Subject, Unverified, Verified

SIGNATURE = "intuit-signature"


class QuickBooksInbox:
    """`AppInbox` of QuickBooks."""

    keeps_headers: tuple[str, ...] = ("content-type", SIGNATURE)
    patience = timedelta(seconds=3)
    entered: Sequence[str] = (
        "Open the application in Intuit's developer portal, and there the page Webhooks of the keys that you use (Development or Production).",
        "Enter the endpoint URL {address} and tick, under entities, Customer with Create, Update, Delete and Merge. Save.",
        "Show the verifier token on that page and copy it into a file; it is neither the client id nor the client secret.",
    )

    def greeting(self, request: HookRequest) -> bytes | None:
        """Nobody validates the address."""
        return None

    def verify(self, request: HookRequest, secrets: Sequence[bytes], now: datetime) -> Verified | Unverified:
        """On the raw bytes, every token compared, so that the time does not tell which one fits."""
        given = request.headers.get(SIGNATURE, "").strip().encode()
        if not given:
            return Unverified("the signature header is missing")
        expected = [base64.b64encode(hmac.digest(one, request.body, "sha256")) for one in secrets if one]
        fits = [hmac.compare_digest(one, given) for one in expected]
        return Verified("signature") if any(fits) else Unverified("the signature does not fit")

    def subject(self, request: HookRequest) -> Subject | None:
        """Of the first event: what is kept has one."""
        try:
            found = next(iter(events_of(request.body)), None)
        except wire.UnreadableBooks:
            return None
        return Subject(CUSTOMER, RecordId(found.record)) if found and is_of_customer(found) else None

    def split(self, request: HookRequest) -> Sequence[HookPart]:
        try:
            return [HookPart(one.realm, one.body) for one in events_of(request.body)]
        except wire.UnreadableBooks as error:
            raise unreadable_hook(str(error)) from error


def is_of_customer(event: QboEvent) -> bool:
    return event.entity == CUSTOMER and bool(event.record)


def subjects_of(event: QboEvent) -> Iterator[Subject]:
    """Whom to read; when it was changed is known of the record itself, so that an older row of a list is not believed."""
    heard = Announcement(Version(stamp=event.at, settled=False), {}) if event.at else None
    yield Subject(CUSTOMER, RecordId(event.record), heard)
    if event.loser:
        yield Subject(CUSTOMER, RecordId(event.loser))


def unreadable_hook(words: str) -> Rejected:
    return Rejected(QB_WEBHOOK_UNREADABLE.name, f"{QB_WEBHOOK_UNREADABLE.meaning} {words}")
