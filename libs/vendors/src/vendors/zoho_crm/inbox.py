"""How callbacks of Zoho CRM are recognised (sheet, section 4): by a secret at the end of the address, and by the token that they echo.

There is no signature, no time and no list of senders. Each channel has a secret of its own, which is the last part of the address that the
vendor calls and is kept nowhere but in the vault; the token that comes back in the body is made from it, because bodies are kept: whoever
reads the one does not know the other. Both are compared with every secret, in constant time. What is believed so says only which records to
read: a repeat costs a read.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import unquote

from vendors.vendor import HookRequest, Subject, Unverified, Verified
from vendors.zoho_crm import callback, wire

# Marks a secret that stands in an address.
PATH_SECRET = b"path:"
# The vendor takes no token longer than 50.
_TOKEN_LENGTH = 40


class ZohoCrmInbox:
    """Verification and subject of a callback."""

    keeps_headers: tuple[str, ...] = ("content-type", "user-agent")
    # The vendor does not publish how long it waits; its sister product waits 15 s.
    patience = timedelta(seconds=10)

    def greeting(self, request: HookRequest) -> bytes | None:
        """Zoho CRM never validates an address."""
        return None

    def verify(self, request: HookRequest, secrets: Sequence[bytes], now: datetime) -> Verified | Unverified:
        given = unquote(request.path.rstrip("/").rpartition("/")[2]).encode()
        token = _token_in(request.body)
        # Every secret is compared, so that the time does not tell which one fits.
        matches = [(_same(_bare(secret), given), _same(token_of(secret), token)) for secret in secrets if secret]
        if not any(by_address for by_address, _ in matches):
            return Unverified("the address does not end in the secret")
        if not any(by_address and by_token for by_address, by_token in matches):
            return Unverified("the token is not the one of this channel")
        return Verified("path-secret")

    def subject(self, request: HookRequest) -> Subject | None:
        """None where it names several: each is read by itself."""
        try:
            told = callback.read(request.body)
        except wire.UnreadableRecord:
            return None
        return told.subjects[0] if len(told.subjects) == 1 else None


def token_of(secret: bytes) -> bytes:
    """The token of the channel whose address ends in this secret."""
    return hmac.digest(_bare(secret), b"the token of this channel", "sha256").hex()[:_TOKEN_LENGTH].encode()


def _bare(secret: bytes) -> bytes:
    return secret.removeprefix(PATH_SECRET)


def _same(one: bytes, other: bytes) -> bool:
    return hmac.compare_digest(one, other)


def _token_in(body: bytes) -> bytes:
    try:
        token = wire.body_of(body).get("token")
    except wire.UnreadableRecord:
        return b""
    return token.encode("utf-8", "replace") if isinstance(token, str) else b""
