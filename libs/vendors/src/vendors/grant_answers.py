"""Reads the answers of accounts servers as far as all of them are alike: a JSON object, text fields, a lifetime."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import orjson

from common.http.words import kept_words
from vendors.grant import GrantReply, NotGranted
from vendors.grant_codes import ACCOUNTS_FAULT

# No vendor gives a token for longer than a day, some old pages tell the lifetime in milliseconds.
LONGEST_IN_SECONDS = 86400


def document(reply: GrantReply) -> Mapping[str, object]:
    """The JSON object of an answer, empty when there is none."""
    try:
        found = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def text(found: Mapping[str, object], name: str) -> str:
    """A text field, empty when it is missing or no text."""
    value = found.get(name)
    return value if isinstance(value, str) else ""


def lifetime(found: Mapping[str, object], name: str, otherwise: timedelta) -> timedelta:
    """How long a token lives; a value beyond a day is in milliseconds, one that is no positive number is as good as none."""
    value = found.get(name)
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return otherwise
    return timedelta(seconds=value / 1000 if value > LONGEST_IN_SECONDS else value)


def words(found: Mapping[str, object], reply: GrantReply) -> str:
    """The vendor's own words about a refusal; never those of an answer that brought tokens."""
    said = [text(found, name) for name in ("error", "error_description", "title", "detail", "message")]
    return kept_words(": ".join(filter(None, said)) or f"HTTP {reply.status}")


def unreadable(reply: GrantReply) -> NotGranted:
    """No answer that we know: the request may have been carried out."""
    return NotGranted(
        "unknown",
        ACCOUNTS_FAULT.name,
        "The vendor's accounts server gave an answer that is none.",
        words=f"HTTP {reply.status}, {len(reply.body)} bytes",
    )


def fault(reply: GrantReply, said: str) -> NotGranted:
    """The vendor failed by its own word."""
    return NotGranted("transient", ACCOUNTS_FAULT.name, "The vendor's accounts server failed.", words=said)
