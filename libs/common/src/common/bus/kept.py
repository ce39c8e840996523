"""A consumer as a part of a service: after a crash a new one is made, because a client that failed is not used again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from common.bus.consumer import BatchConsumer


class KeptConsumer:
    """Makes a consumer for each life."""

    def __init__(self, make: Callable[[], BatchConsumer[Any]], stopping: asyncio.Event) -> None:
        self._make = make
        self._stopping = stopping
        self._living: BatchConsumer[Any] | None = None

    async def run(self) -> None:
        """One life: raises what ended it, unless the service stops."""
        self._living = self._make()
        await self._living.run(self._stopping)

    async def look(self) -> str | None:
        """What it reads; raises with the reason while it can do no work."""
        return await self._living.ready() if self._living is not None else "begins"
