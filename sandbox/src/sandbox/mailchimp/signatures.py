"""How Mailchimp and Mandrill sign what they send (sheet, sections 7.1 and 8)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping


def audience_signature(secret: str, at: int, body: bytes) -> str:
    """X-Mailchimp-Signature: HMAC-SHA256 over "<t>." and the raw body."""
    digest = hmac.new(secret.encode(), str(at).encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def mandrill_signature(key: str, url: str, form: Mapping[str, str]) -> str:
    """X-Mandrill-Signature: base64 of HMAC-SHA1 over the registered address and each field's name and value."""
    message = url + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(hmac.new(key.encode(), message.encode(), hashlib.sha1).digest()).decode()
