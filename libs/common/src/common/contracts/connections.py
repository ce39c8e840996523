"""What everybody may know of a connection: never a credential."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from common.contracts.ids import ConnectionId, VendorName


@dataclass(frozen=True, slots=True)
class Connection:
    """One account at one vendor, as the control plane keeps it.

    `details` are the vendor's own coordinates (data centre, organisation, realm, shop), `capabilities` what a probe found out.
    """

    id: ConnectionId
    vendor: VendorName
    name: str
    state: str = "active"
    details: Mapping[str, str] = field(default_factory=dict)
    capabilities: frozenset[str] = frozenset()
