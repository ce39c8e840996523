"""What goes through the door: a request to a vendor, and its success."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
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
    path: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    json: Any = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    writes: bool = False
    """Whether the call can change the vendor's state: then an outcome that nobody saw is UNKNOWN."""
    priority: Priority = "live"
    cost: int = 1
    """The points that the vendor wants to see in its bucket before the call runs, where it counts points."""
    deadline: float | None = None
    """By `monotonic()`, for callers who are in a hurry: waiting for quota included, nothing is sent after it and nothing is awaited
    beyond it. Without one a call waits its time for quota, and then has its whole time for the vendor."""
    file: str = field(default="", repr=False)
    """Instead of a path of the API: the address of a file, as an answer has named it. It gets no credential, costs no quota, and its
    host has to be one of the profile's `file_hosts`."""
    before_send: Callable[[], None] | None = field(default=None, repr=False)
    """Asked just before the first byte of each attempt; whatever it raises stops the call and is raised as it is (R3)."""


@dataclass(frozen=True, slots=True)
class VendorAnswer:
    """A success of the vendor."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    date: datetime
    """The vendor's own `Date`: the clock by which its versions settle (R10)."""
    request_id: str
    duration_s: float


class Api(Protocol):
    """The door, already opened for one connection."""

    async def call(self, call: Call) -> VendorAnswer:
        """Waits for a token and for quota, then calls; raises a `Failure` for anything but success."""

    def lines(self, call: Call) -> AsyncIterator[bytes]:
        """The lines of a file, as they come: it may be larger than any answer. Raises a `Failure` also in the midst of it."""
