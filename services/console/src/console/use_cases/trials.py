"""Trying a connection: one cheap call through the door, with everything that a real call passes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from common.clock import Clock, monotonic
from common.codes import CODES
from common.contracts.connections import Connection
from common.contracts.ids import VendorName
from common.failures import Failure, FailureClass
from common.http.door import Door
from common.state import pool as state
from console.state import connections as rows
from console.use_cases.connections import Connections, refuse_unless_usable
from vendors.vendor import Vendor

PATIENCE_S = 15.0

# What nobody but the passing of time heals: the credential may be all right.
_PASSING = (FailureClass.TRANSIENT, FailureClass.UNKNOWN, FailureClass.RATE_LIMITED)


@dataclass(frozen=True, slots=True)
class Trial:
    """What a try told; `passing` means that the same try may succeed later without anybody doing anything."""

    ok: bool
    at: datetime
    duration_s: float
    code: str = ""
    message: str = ""
    action: str = ""
    vendor_status: int | None = None
    vendor_words: str = ""
    passing: bool = False

    @property
    def result(self) -> str:
        """As it is kept with the connection; empty when it worked."""
        return "" if self.ok else f"{self.code}: {self.message}"


class Trials:
    """Tries connections."""

    def __init__(
        self,
        pool: state.Pool,
        connections: Connections,
        door: Door,
        vendors: Mapping[VendorName, Vendor],
        clock: Clock,
    ) -> None:
        self._pool = pool
        self._connections = connections
        self._door = door
        self._vendors = vendors
        self._clock = clock

    async def test(self, connection: str) -> Trial:
        """Tries an active connection and keeps what it told."""
        row = await self._connections.row(connection)
        refuse_unless_usable(row)
        trial = await self.attempt(row.for_calls())
        async with state.connection(self._pool) as link:
            await rows.tested(link, connection, trial.result, trial.at)
        return trial

    async def attempt(self, connection: Connection) -> Trial:
        """Tries it as it is given, be it active or not."""
        vendor = self._vendors[connection.vendor]
        began, at = monotonic(), self._clock.now()
        if vendor.ping is None:
            return Trial(True, at, 0.0)
        try:
            api = self._door.open(vendor.profile, connection)
            await api.call(replace(vendor.ping(connection), deadline=began + PATIENCE_S))
        except Failure as failure:
            return _failed(failure, at, monotonic() - began)
        return Trial(True, at, monotonic() - began)


def _failed(failure: Failure, at: datetime, duration_s: float) -> Trial:
    known = CODES.get(failure.code)
    return Trial(
        ok=False,
        at=at,
        duration_s=duration_s,
        code=failure.code,
        message=failure.message,
        action=known.action if known else "",
        vendor_status=failure.vendor_status,
        vendor_words=failure.vendor_words,
        passing=failure.kind in _PASSING,
    )
