"""Sends a message as a signed webhook, in the form of Standard Webhooks, so that receivers find a verifier in their language.

What makes a repeat harmless: `webhook-id` is the message's own. What makes it believable: `webhook-signature` is `v1,` and the base64 of
HMAC-SHA256 over `id.timestamp.body`, by the secret's bytes; the timestamp is that of the attempt, so that an old one cannot be played again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from datetime import datetime
from urllib.parse import urlsplit

import httpx
import orjson

from common.api.refusal import Refusal
from common.clock import Clock
from common.http.trust import authorities
from common.secret import Secret
from console.notify.notice import Notice, NotTaken, Unseen

PREFIX = "whsec_"
_PATIENCE_S = 15.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")

SecretOf = Callable[[str], Awaitable[Secret | None]]


class Webhook:
    """POSTs it; a redirect is not followed, because nobody has said that the secret's holder lives there."""

    def __init__(self, secret_of: SecretOf, clock: Clock) -> None:
        self._secret_of = secret_of
        self._clock = clock
        self._client = httpx.AsyncClient(
            timeout=_PATIENCE_S, follow_redirects=False, trust_env=False, verify=authorities()
        )

    async def aclose(self) -> None:
        await self._client.aclose()

    async def send(self, address: str, secret_of: str, message: Notice) -> None:
        secret = await self._secret(secret_of)
        body = orjson.dumps(
            {"type": message.kind, "timestamp": message.at, "data": {"subject": message.subject, "text": message.text, **message.facts}}
        )  # fmt: skip
        headers = signed(secret, message.id, self._clock.now(), body)
        try:
            # The answer's body is nobody's business here, and may be endless.
            async with self._client.stream("POST", address, content=body, headers=headers) as answer:
                status = answer.status_code
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL) as away:
            raise NotTaken(f"The webhook was not reached ({type(away).__name__}).") from away
        except httpx.HTTPError as lost:
            raise Unseen(f"The webhook's answer was lost ({type(lost).__name__}).") from lost
        if status // 100 != 2:
            raise NotTaken(f"The webhook answered {status}.")

    async def _secret(self, destination: str) -> Secret:
        try:
            secret = await self._secret_of(destination)
        except Refusal as away:
            raise NotTaken(f"The token-broker has not told the secret: {away}") from away
        if secret is None:
            raise NotTaken("The vault holds no secret for it: remove the destination, and add it again.")
        return secret


def signed(secret: Secret, id: str, now: datetime, body: bytes) -> dict[str, str]:
    """The headers of one attempt."""
    stamp = str(int(now.timestamp()))
    key = base64.b64decode(secret.reveal().removeprefix(PREFIX))
    proof = hmac.digest(key, b".".join((id.encode(), stamp.encode(), body)), hashlib.sha256)
    return {
        "content-type": "application/json",
        "user-agent": "millrace",
        "webhook-id": id,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(proof).decode()}",
    }


def is_address(given: str) -> bool:
    """Whether a webhook may go there: encrypted, or on this machine; and without a password that lists would show."""
    try:
        parts = urlsplit(given)
        safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        return (
            safe and bool(parts.hostname) and "@" not in parts.netloc and (parts.port or 1) > 0 and not parts.fragment
        )
    except ValueError:
        return False
