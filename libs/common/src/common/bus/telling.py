"""When Kafka is told how far a group is: with each batch where only Kafka keeps the place, now and then where the database keeps it too.

R27: who stores places begins where the database says, so a place that Kafka was told late repeats nothing; people and lag look there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from common.bus.limits import ConsumerLimits
from common.bus.offsets import Offsets
from common.clock import monotonic
from common.loops import until_set


class Telling:
    """Commits what is done, and again what was not heard."""

    def __init__(
        self, offsets: Offsets, limits: ConsumerLimits, *, stores_places: bool, on_unheard: Callable[[], None]
    ) -> None:
        self._offsets = offsets
        self._within_s = limits.commit_s
        self._every_s = limits.tell_every_s if stores_places else 0.0
        self._on_unheard = on_unheard
        self._told_at = float("-inf")

    async def batch_done(self, consumer: Any) -> None:
        """A batch is safe. The first after a while is told at once; more of them soon after it are told together."""
        due = self._offsets.unheard_of or monotonic() - self._told_at >= self._every_s
        if due and not await self._tell(consumer):
            self._on_unheard()

    async def catch_up(self, within: float, consumer: Callable[[], Any], idle: asyncio.Event) -> None:
        """That time passes, and Kafka is told what it was not told, or did not hear."""
        until = monotonic() + within
        while (left := until - monotonic()) > 0:
            await until_set(self._offsets.untold, within=left)
            if self._offsets.untold.is_set():
                await asyncio.sleep(self._every_s or 1.0)
                if idle.is_set() and consumer() is not None:
                    await self._tell(consumer())

    async def _tell(self, consumer: Any) -> bool:
        self._told_at = monotonic()
        return await self._offsets.commit(consumer, within=self._within_s)
