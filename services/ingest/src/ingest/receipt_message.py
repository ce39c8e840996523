"""A webhook as the message in which it is kept: its bytes as they came, its id, its key.

The id is a function of what was sent and to whom, so a webhook that comes twice is twice the same receipt. The key is its record's, so
that all receipts of a record keep their order; one that does not say its record has a key of its own.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import NamedTuple

from common.contracts.ids import ConnectionId, EventId, VendorName, change_key, derived_id
from common.contracts.messages import Envelope, Receipt
from vendors.vendor import HookRequest, Inbox


class ReceiptMessage(NamedTuple):
    """What is sent to the topic of receipts."""

    key: str
    value: bytes
    headers: list[tuple[str, bytes]]


def keeping(
    request: HookRequest, vendor: VendorName, connection: ConnectionId, inbox: Inbox, by: str, now: datetime
) -> ReceiptMessage:
    """The message of a request that was recognised; `by` names the proof."""
    receipt = Receipt(
        id=_id(connection, request), connection=connection, vendor=vendor, received_at=now,
        method=request.method, path=f"/hooks/{vendor}/{connection}", query=request.query,
        headers=tuple((n, request.headers[n]) for n in inbox.keeps_headers if n in request.headers),
        body=request.body, verified_by=by,
    )  # fmt: skip
    subject = inbox.subject(request)
    key = (
        f"{connection}:unknown:{receipt.id}"
        if subject is None
        else change_key(connection, subject.entity, subject.record)
    )
    named = "unknown" if subject is None else f"{subject.entity}/{subject.record}"
    return ReceiptMessage(key, receipt.model_dump_json().encode(), Envelope.of_receipt(receipt, named).headers())


def _id(connection: ConnectionId, request: HookRequest) -> EventId:
    return EventId(derived_id(connection, request.query, hashlib.blake2b(request.body, digest_size=16).hexdigest()))
