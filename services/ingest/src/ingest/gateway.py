"""Where webhooks come in: verify the raw bytes, make them durable, answer; everything else happens later.

In: a vendor's request. Out: a receipt, its bytes as they came. Durable with the broker's acknowledgement, and only then a 2xx is
answered. A receipt decides nothing, so a webhook that comes twice is two receipts and one change.

A crash before the broker's acknowledgement: the vendor saw no 2xx and sends again. A crash after it and before the answer: the vendor
sends again, and the repeat has the same id. Broker or secrets away: 503 within the vendor's patience, and the vendor sends again; never
410, which would switch the webhook off. What is not believed, or is too large, goes to quarantine and is never processed.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from starlette.types import Receive, Scope, Send

from common import failpoints
from common.clock import Clock, monotonic
from common.contracts.ids import ConnectionId, VendorName
from common.contracts.topics import receipts
from common.failures import Failure, Rejected
from common.secret import Secret
from common.state.trouble import DatabaseTrouble, trouble_of
from ingest import asgi
from ingest.asgi import BodyTooLarge, BodyTooSlow, HookReply
from ingest.quarantine import KEPT_BYTES
from ingest.receipt_message import keeping
from ingest.secrets import SecretsAway
from ingest.sends import SendsOne
from vendors.vendor import HookRequest, Inbox, Unverified, Vendor, Verified

# The vendor waits 10 s or more; the broker's acknowledgement takes a millisecond, so two seconds mean that it is away.
PRODUCE_DEADLINE_S = 2.0
RETRY_AFTER_S = 5
_CONNECTION = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Secrets(Protocol):
    """What the gateway needs of the secrets."""

    async def of(self, connection: ConnectionId) -> tuple[Secret, ...] | None: ...
    async def refetched(self, connection: ConnectionId) -> tuple[Secret, ...] | None: ...


Keeps = Callable[[str, str, HookRequest, str, int], Awaitable[None]]
"""Where unverified webhooks go: connection, vendor, request, reason, size."""


@dataclass(frozen=True, slots=True)
class HookBounds:
    """How much a sender may send, and how slowly."""

    max_bytes: int
    read_timeout_s: float


class Gateway:
    """An ASGI application for `/hooks/{vendor}/{connection}[/{path secret}]`."""

    def __init__(
        self,
        vendors: Mapping[VendorName, Vendor],
        secrets: Secrets,
        producer: SendsOne,
        quarantine: Keeps,
        clock: Clock,
        bounds: HookBounds,
        public_url: str,
        observe: Callable[[str, str, float], None],
        heard: Callable[[VendorName, ConnectionId, HookRequest], None],
    ) -> None:
        self._inboxes = {name: vendor.inbox for name, vendor in vendors.items() if vendor.inbox is not None}
        self._secrets = secrets
        self._producer = producer
        self._quarantine = quarantine
        self._clock = clock
        self._bounds = bounds
        self._public_url = public_url.rstrip("/")
        self._observe = observe
        self._heard = heard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        began = monotonic()
        address = _address(scope["path"])
        inbox = self._inboxes.get(VendorName(address[0])) if address else None
        if address is None or inbox is None:
            await asgi.answer(send, asgi.problem(404, "WEBHOOK_UNKNOWN"))
            return
        vendor, connection = VendorName(address[0]), ConnectionId(address[1])
        with asgi.server_span(scope["method"], vendor, connection) as span:
            reply, outcome = await self._received(scope, receive, vendor, connection, inbox)
            span.answered(reply.status, outcome)
        await asgi.answer(send, reply)
        self._observe(vendor, outcome, monotonic() - began)

    async def _received(
        self, scope: Scope, receive: Receive, vendor: VendorName, connection: ConnectionId, inbox: Inbox
    ) -> tuple[HookReply, str]:
        try:
            # Nobody listens to an answer that comes after the vendor's patience.
            within = min(self._bounds.read_timeout_s, inbox.patience.total_seconds())
            body = await asgi.body(scope, receive, self._bounds.max_bytes, KEPT_BYTES, within)
        except BodyTooLarge as large:
            request = asgi.hook_request(scope, large.first, self._public_url)
            return await self._too_large(request, vendor, connection, "the body is too large", large.size)
        except BodyTooSlow:
            return asgi.problem(408, "WEBHOOK_TOO_SLOW"), "rejected"
        request = asgi.hook_request(scope, body, self._public_url)
        greeting = inbox.greeting(request)
        if greeting is not None:
            return HookReply(200, greeting), "greeting"
        if request.method != "POST":
            return asgi.problem(405, "WEBHOOK_UNKNOWN"), "rejected"
        return await self._posted(request, vendor, connection, inbox)

    async def _posted(
        self, request: HookRequest, vendor: VendorName, connection: ConnectionId, inbox: Inbox
    ) -> tuple[HookReply, str]:
        try:
            known = await self._secrets.of(connection)
        except SecretsAway:
            return asgi.problem(503, "WEBHOOK_NOT_KEPT", RETRY_AFTER_S), "unavailable"
        if known is None:
            return asgi.problem(404, "WEBHOOK_UNKNOWN"), "rejected"
        verdict = self._verified(request, inbox, known)
        if isinstance(verdict, Unverified) and (newer := await self._secrets.refetched(connection)) not in (
            None,
            known,
        ):
            # A secret that was rotated a moment ago is known to the broker and not yet to us.
            verdict = self._verified(request, inbox, newer or ())
        if isinstance(verdict, Unverified):
            refusal = asgi.problem(401, "WEBHOOK_UNVERIFIED"), "bad_signature"
            return await self._quarantined(request, vendor, connection, verdict.reason, len(request.body), refusal)
        return await self._kept(request, vendor, connection, inbox, verdict.by)

    async def _too_large(
        self, request: HookRequest, vendor: VendorName, connection: ConnectionId, reason: str, size: int
    ) -> tuple[HookReply, str]:
        """413 for ever, and not 503: what does not fit today does not fit when it comes again."""
        try:
            known = await self._secrets.of(connection)
        except SecretsAway:
            return asgi.problem(503, "WEBHOOK_NOT_KEPT", RETRY_AFTER_S), "unavailable"
        if known is None:
            return asgi.problem(404, "WEBHOOK_UNKNOWN", closing=True), "rejected"
        refusal = asgi.problem(413, "WEBHOOK_TOO_LARGE"), "rejected"
        return await self._quarantined(request, vendor, connection, reason, size, refusal)

    async def _quarantined(
        self,
        request: HookRequest,
        vendor: VendorName,
        connection: ConnectionId,
        reason: str,
        size: int,
        refusal: tuple[HookReply, str],
    ) -> tuple[HookReply, str]:
        """A refusal is final, so it waits until the bytes are kept: with the wrong secret on our side they are all there is."""
        try:
            await self._quarantine(connection, vendor, request, reason, size)
        except Exception as error:
            if trouble_of(error) is not DatabaseTrouble.AWAY:
                raise
            return asgi.problem(503, "WEBHOOK_NOT_KEPT", RETRY_AFTER_S), "unavailable"
        return refusal

    def _verified(self, request: HookRequest, inbox: Inbox, known: tuple[Secret, ...]) -> Verified | Unverified:
        return inbox.verify(request, [secret.reveal().encode() for secret in known], self._clock.now())

    async def _kept(
        self, request: HookRequest, vendor: VendorName, connection: ConnectionId, inbox: Inbox, by: str
    ) -> tuple[HookReply, str]:
        kept = keeping(request, vendor, connection, inbox, by, self._clock.now())
        await failpoints.hit("gateway.before_produce")
        try:
            await self._producer.send(
                receipts(vendor), kept.key, kept.value, asgi.with_trace(kept.headers), deadline=PRODUCE_DEADLINE_S
            )
        except Rejected as refused:
            # Kafka takes less than it should: `doctor` says so, and the vendor must not come again for ever.
            return await self._too_large(request, vendor, connection, refused.message, len(request.body))
        except Failure:
            return asgi.problem(503, "WEBHOOK_NOT_KEPT", RETRY_AFTER_S), "unavailable"
        await failpoints.hit("gateway.after_produce")
        self._heard(vendor, connection, request)
        return HookReply(200, b""), "accepted"


def _address(path: str) -> tuple[str, str] | None:
    parts = path.split("/")
    if len(parts) not in (4, 5) or parts[:2] != ["", "hooks"]:
        return None
    # As the table of connections has them: an id that cannot be one is asked of nobody and remembered by nobody.
    return (parts[2], parts[3]) if _CONNECTION.fullmatch(parts[3]) else None
