"""Every error code a person can meet: what it means, why, what to do, who can, and whether a retry is safe.

A code raised anywhere and not listed here fails a house test; the documentation's table is made from this list.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Who = Literal["operator", "owner", "vendor", "developer", "nobody"]


@dataclass(frozen=True, slots=True)
class Code:
    """One entry of the registry."""

    name: str
    meaning: str
    action: str
    who: Who
    retry_safe: bool
    is_question: bool = False
    """Whoever discards it has decided it: the same is not asked again."""


_ENTRIES = (
    Code(
        "MESSAGE_UNREADABLE",
        "A record on a topic is not the message that the topic carries.",
        "Look at the original bytes with `millrace dead-letter show`; discard it, or fix the producer and retry.",
        "developer",
        True,
    ),
    Code(
        "HANDLER_BUG",
        "Our code failed on this record alone; its neighbours were handled.",
        "Report it with the trace id; retry after the upgrade that fixes it.",
        "developer",
        True,
    ),
    Code(
        "BROKER_UNAVAILABLE",
        "Kafka did not acknowledge a message in time.",
        "Check `millrace status`; nothing was acknowledged to the sender, so it will come again.",
        "operator",
        True,
    ),
)

CODES: dict[str, Code] = {code.name: code for code in _ENTRIES}


def register(*codes: Code) -> None:
    """Adds the codes of another package; the same name twice is an error."""
    for code in codes:
        if CODES.setdefault(code.name, code) is not code and CODES[code.name] != code:
            raise ValueError(f"error code {code.name} is registered twice")
