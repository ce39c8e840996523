"""How webhooks of Zoho Books are recognised (sheet, section 7): pairs sorted by key, raw JSON appended, HMAC-SHA256 in hex."""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import parse_qsl

from common.contracts.ids import Entity, RecordId
from vendors.vendor import HookRequest, Subject, Unverified, Verified
from vendors.zoho_books import wire

SIGNATURE = "x-zoho-webhook-signature"
_HEX = re.compile(r"[0-9a-f]{64}\Z")


class ZohoBooksInbox:
    """Verification and subject of a webhook; there is no timestamp in it, so repeats are recognised by what they say."""

    keeps_headers: tuple[str, ...] = ("content-type", SIGNATURE, "user-agent")
    # The vendor does not publish how long it waits; its sister product waits 15 s.
    patience = timedelta(seconds=10)

    def greeting(self, request: HookRequest) -> bytes | None:
        """Zoho Books never validates an address."""
        return None

    def verify(self, request: HookRequest, secrets: Sequence[bytes], now: datetime) -> Verified | Unverified:
        given = request.headers.get(SIGNATURE, "").strip().lower()
        if not given:
            return Unverified("the signature header is missing")
        if not _HEX.match(given):
            return Unverified("the signature is not 64 hex digits")
        message = signed_message(request)
        # Every secret is compared, so that the time does not tell which one fits.
        matches = [hmac.compare_digest(hmac.digest(secret, message, "sha256").hex(), given) for secret in secrets]
        return Verified("signature") if any(matches) else Unverified("the signature does not fit")

    def subject(self, request: HookRequest) -> Subject | None:
        try:
            found = wire.module_of(wire.body_of(request.body, request.headers.get("content-type", "")))
        except wire.Unreadable:
            return None
        known = wire.identity(*found) if found else None
        return Subject(Entity(known[0]), RecordId(known[1])) if known else None


def signed_message(request: HookRequest) -> bytes:
    """What the vendor signs: query and form pairs together, decoded, sorted, without separators; then a JSON body as it came."""
    pairs = [*wire.pairs_of(request.query)]
    is_form = "application/x-www-form-urlencoded" in request.headers.get("content-type", "")
    if is_form:
        pairs += parse_qsl(request.body.decode("utf-8", "surrogateescape"), keep_blank_values=True)
    joined = "".join(key + value for key, value in sorted(pairs)).encode("utf-8", "surrogateescape")
    return joined if is_form else joined + request.body
