"""One admitted call on its way: whose company it is, what it says, what it changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sandbox.quickbooks.company import Company
from sandbox.quickbooks.entities import TOLD
from sandbox.quickbooks.event import Event
from sandbox.quickbooks.record import Record
from sandbox.quickbooks.switches import Switches
from sandbox.simulator import Applied, Operation, Request


@dataclass
class Call:
    """Everything that answering one request needs."""

    company: Company
    switches: Switches
    request: Request
    by_person: bool = False  # done in the vendor's own pages: no version is asked for
    reads_left: int | None = None  # of the month; None: an operator's, who are not metered
    reads: int = 0
    applied: list[Applied] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        return self.request.now

    @property
    def at(self) -> float:
        return self.request.now.timestamp()

    @property
    def seen_at(self) -> float:
        """The moment that lists know of: they may lag."""
        return self.at - self.switches.list_lag_s

    def wrote(self, record: Record, op: Operation, operation: str, other: str = "") -> None:
        """Log a record, and tell whoever listens; of notes no webhook tells."""
        self.applied.append(Applied(record.entity, record.id, op))
        if record.entity in TOLD:
            told = Event(self.company.realm, record.entity, record.id, operation, self.now, other)
            self.events.append(told)
