"""What is told of every single call to a vendor, whatever came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from common.contracts.ids import ConnectionId, VendorName
from common.failures import FailureClass


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call as the journal keeps it; never a credential, never a record's data."""

    vendor: VendorName
    connection: ConnectionId
    operation: str
    method: str
    template: str
    writes: bool
    at: datetime
    waited_s: float
    duration_s: float
    resend: int
    sent: bool
    """Whether a byte of the request left this process."""
    outcome: FailureClass | None
    """None is success."""
    code: str = ""
    status: int | None = None
    vendor_code: str = ""
    words: str = ""
    request_id: str = ""


class Sink(Protocol):
    """Where attempts go."""

    def attempted(self, attempt: Attempt) -> None:
        """Called once per attempt; must not block."""


class NoSink:
    """For callers that take all they need from the answer."""

    def attempted(self, attempt: Attempt) -> None:
        return None
