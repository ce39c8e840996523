"""What a worker is made of; `assembly.py` puts it together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from common.clock import Clock
from common.contracts.connections import Connection
from common.contracts.ids import Entity
from common.http.call import Api
from common.http.door import Door
from common.http.outage import Outage
from common.state.pool import Pool
from vendors.vendor import Vendor
from writing.collector import Collector
from writing.company import Company
from writing.executor import Executor
from writing.held import Held
from writing.lease_renewer import LeaseRenewer
from writing.queue import Queue
from writing.settle import Settler
from writing.switching import Switching


@dataclass(frozen=True, slots=True)
class Parts:
    """What a worker is made of."""

    pool: Pool
    clock: Clock
    door: Door
    vendor: Vendor
    queue: Queue
    company: Company
    held: Held
    executors: Mapping[Entity, Executor]
    """By the entity of the target records that each brings to their end."""
    settler: Settler
    collector: Collector
    switching: Switching
    lease_renewer: LeaseRenewer
    outage: Outage
    at_once: int
    """Calls of one connection at a time; the door's budget knows the vendor's own number."""

    def api(self, one: Connection) -> Api:
        """The way to the vendor by this connection; raises a `Failure` where it leads nowhere."""
        return self.door.open(self.vendor.profile, one)

    def is_ours(self, one: Connection) -> bool:
        """Whether it leads to this vendor, and works."""
        return one.vendor == self.vendor.name and one.state == "active"
