"""What is told of every single call to a vendor, whatever came of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Protocol

import structlog

from common.contracts.ids import ConnectionId, VendorName
from common.failures import FailureClass

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CallAttempt:
    """One call, whatever came of it; never a credential, never a record's data."""

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

    def attempted(self, attempt: CallAttempt) -> None:
        """Called once per attempt; must not block."""


class LogSink:
    """One wide line for each call, without the vendor's words: they may quote a record."""

    def attempted(self, attempt: CallAttempt) -> None:
        logged = asdict(attempt)
        outcome = attempt.outcome.value if attempt.outcome else "success"
        del logged["words"]
        _log.info("vendor.called", **logged | {"at": attempt.at.isoformat(), "outcome": outcome})
