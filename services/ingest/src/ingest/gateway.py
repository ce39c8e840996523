"""Where webhooks come in: verify the raw bytes, make them durable, answer; everything else happens later.

In: a vendor's request. Out: a receipt, its bytes as they came. Durable with the broker's acknowledgement, and only then a 2xx is
answered. A receipt decides nothing, so a webhook that comes twice is two receipts and one change.

A crash before the broker's acknowledgement: the vendor saw no 2xx and sends again. A crash after it and before the answer: the vendor
sends again, and the repeat has the same id. Broker or secrets away: 503 within the vendor's patience, and the vendor sends again; never
410, which would switch the webhook off. What is not believed, or is too large, goes to quarantine and is never processed. A webhook of an
application, which is about many accounts, is many receipts (`app_receipts.py`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from starlette.types import Receive, Scope, Send

from common import failpoints
from common.clock import Clock, monotonic
from common.contracts.ids import ConnectionId, VendorName
from common.failures import Failure, Rejected
from common.secret import Secret
from common.state.trouble import DatabaseTrouble, trouble_of
from ingest import asgi
from ingest.asgi import BodyTooLarge, BodyTooSlow, HookReply
from ingest.hook_address import Hook, HookAddresses
from ingest.quarantine import KEPT_BYTES
from ingest.receipt_keeper import Keepers
from ingest.secrets import SecretsAway
from vendors.channel import NOT_ENTERED
from vendors.vendor import HookRequest, Inbox, Unverified, Vendor, Verified

RETRY_AFTER_S = 5
# Of the vendor's patience: the rest is the answer's way back.
_IN_TIME = 0.9


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
    """An ASGI application for `/hooks/{vendor}/{connection}[/{path secret}]`, and `/hooks/{vendor}/app`."""

    def __init__(
        self,
        vendors: Mapping[VendorName, Vendor],
        secrets: Secrets,
        keepers: Keepers,
        quarantine: Keeps,
        clock: Clock,
        bounds: HookBounds,
        public_url: str,
        observe: Callable[[str, str, float], None],
    ) -> None:
        self._addresses = HookAddresses(vendors)
        self._secrets = secrets
        self._keepers = keepers
        self._quarantine = quarantine
        self._clock = clock
        self._bounds = bounds
        self._public_url = public_url.rstrip("/")
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        began = monotonic()
        hook = self._addresses.named(scope["path"])
        if hook is None:
            await asgi.answer(send, asgi.problem(404, "WEBHOOK_UNKNOWN"))
            return
        with asgi.ServerSpan(scope["method"], hook.vendor, hook.owner) as span:
            reply, outcome = await self._received(scope, receive, hook, began)
            span.answered(reply.status, outcome)
        await asgi.answer(send, reply)
        self._observe(hook.vendor, outcome, monotonic() - began)

    async def _received(self, scope: Scope, receive: Receive, hook: Hook, began: float) -> tuple[HookReply, str]:
        patience = hook.inbox.patience.total_seconds()
        try:
            # Nobody listens to an answer that comes after the vendor's patience.
            within = min(self._bounds.read_timeout_s, patience)
            body = await asgi.body(scope, receive, self._bounds.max_bytes, KEPT_BYTES, within)
        except BodyTooLarge as large:
            request = asgi.hook_request(scope, large.first, self._public_url)
            return await self._too_large(request, hook, "the body is too large", large.size)
        except BodyTooSlow:
            return asgi.problem(408, "WEBHOOK_TOO_SLOW"), "rejected"
        request = asgi.hook_request(scope, body, self._public_url)
        greeting = hook.inbox.greeting(request)
        if greeting is not None:
            return HookReply(200, greeting), "greeting"
        if request.method != "POST":
            return asgi.problem(405, "WEBHOOK_UNKNOWN"), "rejected"
        return await self._posted(request, hook, began + patience * _IN_TIME)

    async def _posted(self, request: HookRequest, hook: Hook, until: float) -> tuple[HookReply, str]:
        try:
            known = await self._known(hook)
        except SecretsAway:
            return asgi.problem(503, "WEBHOOK_NOT_KEPT", RETRY_AFTER_S), "unavailable"
        if known is None:
            return asgi.problem(404, "WEBHOOK_UNKNOWN"), "rejected"
        verdict = self._verified(request, hook.inbox, known)
        if isinstance(verdict, Unverified) and (newer := await self._secrets.refetched(hook.owner)) not in (
            None,
            known,
        ):
            # A secret that was rotated a moment ago is known to the broker and not yet to us.
            verdict = self._verified(request, hook.inbox, newer or ())
        if isinstance(verdict, Unverified):
            refusal = asgi.problem(401, "WEBHOOK_UNVERIFIED"), "bad_signature"
            reason = verdict.reason if known else NOT_ENTERED
            return await self._quarantined(request, hook, reason, len(request.body), refusal)
        return await self._kept(request, hook, verdict.by, until)

    async def _known(self, hook: Hook) -> tuple[Secret, ...] | None:
        """An application is always there: what comes before somebody has entered its secret is not believed, and is kept."""
        known = await self._secrets.of(hook.owner)
        return known or () if hook.app is not None else known

    async def _too_large(
        self, request: HookRequest, hook: Hook, reason: str, size: int
    ) -> tuple[HookReply, str]:  # fmt: skip
        """413 for ever, and not 503: what does not fit today does not fit when it comes again."""
        try:
            known = await self._known(hook)
        except SecretsAway:
            return asgi.problem(503, "WEBHOOK_NOT_KEPT", RETRY_AFTER_S), "unavailable"
        if known is None:
            return asgi.problem(404, "WEBHOOK_UNKNOWN", closing=True), "rejected"
        refusal = asgi.problem(413, "WEBHOOK_TOO_LARGE"), "rejected"
        return await self._quarantined(request, hook, reason, size, refusal)

    async def _quarantined(
        self, request: HookRequest, hook: Hook, reason: str, size: int, refusal: tuple[HookReply, str]
    ) -> tuple[HookReply, str]:
        """A refusal is final, so it waits until the bytes are kept: with the wrong secret on our side they are all there is."""
        try:
            await self._quarantine(hook.owner, hook.vendor, request, reason, size)
        except Exception as error:
            if trouble_of(error) is not DatabaseTrouble.AWAY:
                raise
            return asgi.problem(503, "WEBHOOK_NOT_KEPT", RETRY_AFTER_S), "unavailable"
        return refusal

    def _verified(self, request: HookRequest, inbox: Inbox, known: tuple[Secret, ...]) -> Verified | Unverified:
        return inbox.verify(request, [secret.reveal().encode() for secret in known], self._clock.now())

    async def _kept(self, request: HookRequest, hook: Hook, by: str, until: float) -> tuple[HookReply, str]:
        keeper = self._keepers.one if hook.app is None else self._keepers.app
        await failpoints.hit("gateway.before_produce")
        try:
            await keeper.keep(request, hook, by, until)
        except Rejected as refused:
            # Kafka takes less than it should: `doctor` says so, and the vendor must not come again for ever.
            return await self._too_large(request, hook, refused.message, len(request.body))
        except Failure:
            return asgi.problem(503, "WEBHOOK_NOT_KEPT", RETRY_AFTER_S), "unavailable"
        await failpoints.hit("gateway.after_produce")
        return HookReply(200, b""), "accepted"
