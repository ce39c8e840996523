"""How a connection's quota stands: used, reserved, waiting."""

from __future__ import annotations

from collections.abc import Mapping

from common.contracts.ids import VendorName
from common.http.quota import Quota, QuotaReader
from console.use_cases.connections import Connections, refuse_unless_usable
from vendors.vendor import Vendor


class Quotas:
    """Reads what the budgets keep."""

    def __init__(self, connections: Connections, reader: QuotaReader, vendors: Mapping[VendorName, Vendor]) -> None:
        self._connections = connections
        self._reader = reader
        self._vendors = vendors

    async def of(self, connection: str) -> Quota:
        """Every limit that this connection's calls count against."""
        row = await self._connections.row(connection)
        refuse_unless_usable(row)
        profile = self._vendors[VendorName(row.vendor)].profile
        return await self._reader.read(tuple(profile.limits(row.for_calls())))
