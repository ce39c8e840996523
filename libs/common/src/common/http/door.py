"""The one way to a vendor's API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

Priority = Literal["live", "replay", "backfill"]


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a vendor; `template` and `operation` are what spans and counters show, so they hold no record's data."""

    method: str
    template: str
    operation: str
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    writes: bool = False
    """Whether the call can change the vendor's state: then an outcome that nobody saw is UNKNOWN."""
    priority: Priority = "live"


@dataclass(frozen=True, slots=True)
class VendorAnswer:
    """A success of the vendor."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    date: datetime
    """The vendor's own `Date`: the clock by which its versions settle (R10)."""
    request_id: str
    duration_s: float


class Api(Protocol):
    """The door, already opened for one connection."""

    async def call(self, call: Call) -> VendorAnswer:
        """Waits for a token and for quota, then calls; raises a `Failure` for anything but success."""
