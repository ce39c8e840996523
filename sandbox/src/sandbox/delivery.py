"""One webhook on its way, and how each try to deliver it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one hook. `schedule[n]` is the wait in seconds before attempt n, its length the most attempts."""

    vendor: str
    account: str
    hook_id: str
    url: str
    method: str
    headers: Mapping[str, str]
    body: bytes
    schedule: tuple[float, ...] = (0.0,)
    timeout_s: float = 10.0
    topic: str = ""  # what it tells of, for the log: "contact.updated"
    context: str = ""  # for the simulator: a history id
    id: str = ""  # set when queued
    connect_s: float | None = None  # how long a connection may take, where the vendor says so


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one try ended: `status` is 0 when there was no answer."""

    number: int  # from 1
    status: int
    sent_mono_ns: int
    answered_mono_ns: int
    error: str
    last: bool  # the schedule has no further turn
