"""The door, with every call at one priority."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from common.http.call import Api, Call, Priority, VendorAnswer


@dataclass(frozen=True, slots=True)
class AtPriority:
    """Whoever makes them, and whatever they are for: calls of a backfill give way to all others."""

    api: Api
    priority: Priority

    async def call(self, call: Call) -> VendorAnswer:
        return await self.api.call(replace(call, priority=self.priority))

    def lines(self, call: Call) -> AsyncIterator[bytes]:
        return self.api.lines(replace(call, priority=self.priority))
