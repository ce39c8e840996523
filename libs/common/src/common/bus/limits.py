"""The times and sizes of a consumer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from common.bus.fetch_pace import CALM_MS
from common.loops import LONGEST_S
from common.patience import Patience

# Batches grow where more than a hundred a second come, or more than the machine can carry one by one.
PATIENCE = Patience(each_s=0.010, longest_s=0.400)


class SessionSettings(Protocol):
    """What consumers need to know of the settings."""

    @property
    def kafka_session_timeout_s(self) -> float: ...


@dataclass(frozen=True, slots=True)
class ConsumerLimits:
    """The times and sizes of a consumer; the defaults are for production, tests shorten them."""

    max_records: int = 500
    poll_ms: int = 1000
    """How long one wait for records lasts at most; it ends as soon as there are some."""
    calm_ms: int = CALM_MS
    """The same, and how long the broker waits with its answer, after some waits in vain."""
    company: Patience = PATIENCE
    """How long a batch is held back for more when the last one had more than one record."""
    session_timeout_s: float = 10.0
    wait_s: tuple[float, float] = (1.0, LONGEST_S)
    """The shortest and the longest wait before a batch is read again because something is away."""
    stalled_after_s: float = 60.0
    look_every_s: float = 10.0
    revoke_s: float = 5.0
    commit_s: float = 5.0
    tell_every_s: float = 0.25
    """How often Kafka is told a place that the database keeps as well."""
    drain_s: float = 12.0
    close_s: float = 4.0

    @classmethod
    def of(cls, settings: SessionSettings) -> ConsumerLimits:
        """The limits of a service: what an operator may change, and the rest as it is."""
        return cls(session_timeout_s=settings.kafka_session_timeout_s)
