"""How webhooks of Mailchimp and Mandrill are recognised (sheet, sections 7 and 8).

Three proofs exist. New audience hooks are signed with a secret that was shown once. Hooks made before signing existed carry a secret
as the last part of their address; it is kept with the prefix `path:`, and counts only while no signing secret is on file. Mandrill
signs its address and form with HMAC-SHA1.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, unquote

from vendors.mailchimp import events
from vendors.vendor import HookRequest, Subject, Unverified, Verified

SIGNATURE = "x-mailchimp-signature"
MANDRILL_SIGNATURE = "x-mandrill-signature"
MANDRILL_FIELD = "mandrill_events"
# With this key Mandrill signs the empty list that it sends when a hook is made.
MANDRILL_TEST_KEY = b"test-webhook"
PATH_SECRET = b"path:"
# Stands where a key will be, until the vendor has told it: nothing is signed with it.
UNTOLD = b"untold:"
MAX_AGE = timedelta(seconds=300)
_HEX = re.compile(r"[0-9a-f]{64}\Z")
_SECONDS = re.compile(r"[0-9]{1,12}\Z")


class MailchimpInbox:
    """Verification and subject of a webhook."""

    keeps_headers: tuple[str, ...] = ("content-type", SIGNATURE, MANDRILL_SIGNATURE, "user-agent")
    patience = timedelta(seconds=10)

    def greeting(self, request: HookRequest) -> bytes | None:
        """The validator asks with GET, Mandrill with HEAD and then with a signed empty list: each wants a 200."""
        if request.method in ("GET", "HEAD"):
            return b""
        if MANDRILL_SIGNATURE in request.headers and _form(request).get(MANDRILL_FIELD) == "[]":
            return b"" if isinstance(_by_mandrill(request, [MANDRILL_TEST_KEY]), Verified) else None
        return None

    def verify(self, request: HookRequest, secrets: Sequence[bytes], now: datetime) -> Verified | Unverified:
        """On the raw bytes, every secret compared, so that the time tells nothing."""
        signing = [secret for secret in secrets if not secret.startswith((PATH_SECRET, UNTOLD))]
        if SIGNATURE in request.headers:
            return _by_signature(request, signing, now)
        if MANDRILL_SIGNATURE in request.headers:
            return _by_mandrill(request, signing)
        if signing:
            return Unverified("the signature header is missing")
        of_paths = [secret.removeprefix(PATH_SECRET) for secret in secrets if secret.startswith(PATH_SECRET)]
        return _by_path(request, of_paths)

    def subject(self, request: HookRequest) -> Subject | None:
        try:
            event = events.read(request.body)
        except events.UnreadableForm:
            return None
        return Subject(event.entity, event.record)


def _by_signature(request: HookRequest, secrets: Sequence[bytes], now: datetime) -> Verified | Unverified:
    at, given = _stamped(request.headers[SIGNATURE])
    if not _SECONDS.match(at) or not given:
        return Unverified("the signature header is not of the form t=,v1=")
    if abs(now.timestamp() - int(at)) > MAX_AGE.total_seconds():
        return Unverified("the signature is too old, or of the future")
    message = at.encode() + b"." + request.body
    expected = [hmac.digest(secret, message, "sha256").hex() for secret in secrets]
    matches = [hmac.compare_digest(one, other) for one in expected for other in given]
    return Verified("signature") if any(matches) else Unverified("the signature does not fit")


def _stamped(header: str) -> tuple[str, list[str]]:
    """The time and every `v1=`: during a rotation there are several."""
    pairs = [part.strip().partition("=") for part in header.split(",")]
    at = next((value for name, _, value in pairs if name == "t"), "")
    return at, [value.lower() for name, _, value in pairs if name == "v1" and _HEX.match(value.lower())]


def _by_mandrill(request: HookRequest, secrets: Sequence[bytes]) -> Verified | Unverified:
    form = _form(request)
    # The address exactly as it was registered, then each field, decoded, in the order of the names.
    message = (request.url + "".join(name + form[name] for name in sorted(form))).encode()
    given = request.headers[MANDRILL_SIGNATURE].strip().encode()
    expected = [base64.b64encode(hmac.digest(secret, message, "sha1")) for secret in secrets]
    matches = [hmac.compare_digest(one, given) for one in expected]
    return Verified("mandrill-signature") if any(matches) else Unverified("the signature does not fit")


def _by_path(request: HookRequest, secrets: Sequence[bytes]) -> Verified | Unverified:
    given = unquote(request.path.rstrip("/").rpartition("/")[2]).encode()
    matches = [hmac.compare_digest(secret, given) for secret in secrets if secret]
    return Verified("path-secret") if any(matches) else Unverified("the address does not end in the secret")


def _form(request: HookRequest) -> dict[str, str]:
    return dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
