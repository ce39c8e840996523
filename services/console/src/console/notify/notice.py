"""What is told to a destination, and what may become of the attempt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Notice:
    """`id` is the same on each attempt: by it a receiver knows a repeat."""

    id: str
    kind: str
    at: datetime
    subject: str
    text: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    """For a program that reads it: the same, as values."""


class NotTaken(Exception):
    """The other side has not taken it, in its own words or ours: sent again it is there once."""


class Unseen(Exception):
    """It may have been taken: nobody saw the answer."""


class Outlet(Protocol):
    """One way to send."""

    async def send(self, address: str, secret_of: str, message: Notice) -> None:
        """Raises `NotTaken` or `Unseen`. `secret_of`: the destination whose secret signs it."""
