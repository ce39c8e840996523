"""What the core offers to every simulator."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sandbox.clock import Clock
from sandbox.deliveries import Deliveries
from sandbox.faults import Faults
from sandbox.operators import Operators
from sandbox.zoho_accounts.grants import ZohoGrants


@dataclass(frozen=True, slots=True)
class Core:
    """Built once by `registry.build`; a simulator keeps it and asks it for time, deliveries, operators and tokens."""

    home: Path
    clock: Clock
    faults: Faults
    deliveries: Deliveries
    operators: Operators
    zoho: ZohoGrants
