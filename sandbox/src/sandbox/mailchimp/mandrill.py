"""Mandrill's webhooks: one form field with a JSON array of events, signed over the decoded form (sheet, section 8)."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlencode

import orjson

from sandbox.mailchimp.signatures import mandrill_signature

FIELD = "mandrill_events"
TEST_KEY = "test-webhook"


@dataclass(slots=True)
class MandrillHook:
    """A registered hook; its address counts to the last character of the query."""

    id: int
    url: str
    key: str = field(repr=False)


def body_of(events: list[dict[str, object]]) -> bytes:
    return urlencode({FIELD: orjson.dumps(events).decode()}).encode()


def signed(hook: MandrillHook, events: list[dict[str, object]], key: str = "") -> dict[str, str]:
    """The header of a message; the check at registration is signed with a key of its own."""
    form = {FIELD: orjson.dumps(events).decode()}
    return {"x-mandrill-signature": mandrill_signature(key or hook.key, hook.url, form)}


def event(kind: str, email: str, at: int, message_id: str) -> dict[str, object]:
    return {"event": kind, "msg": {"email": email, "_id": message_id}, "ts": at}
