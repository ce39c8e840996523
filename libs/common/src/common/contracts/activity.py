"""What may happen to a member at a target, in neutral words, and who told of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

ActivityKind = Literal["subscribed", "unsubscribed", "cleaned", "profile", "address_changed", "archived", "seen"]
"""`seen`: a read shows other values than were known; nobody told who changed them, or when."""
ActivitySource = Literal["event", "read"]
"""The target told it by itself, or only reading showed it."""

STANDINGS: Mapping[str, str] = {
    "subscribed": "subscribed",
    "unsubscribed": "left",
    "cleaned": "bounced",
    "archived": "archived",
    "pending": "invited",
    "transactional": "not subscribed",
}
"""How a member stands, in a word for people; what nobody has seen is `unknown`."""


def standing_word(told: str) -> str:
    """A target's own word, as people say it."""
    return STANDINGS.get(told, told or "unknown")
