"""Looks every few seconds for what people have to be told: a day that is over, work that stands still, and states that wait for a person."""

from __future__ import annotations

from collections.abc import Sequence

from common.clock import Clock
from common.state import pool as state
from console.state import deliveries, notifications
from console.state.notifications import Notification
from console.use_cases.summaries import Summaries

EVERY_S = 5.0
SEND_EVERY_S = 2.0


class Notices:
    """Every replica looks; what is found is stored once, whoever finds it."""

    def __init__(self, pool: state.Pool, summaries: Summaries, clock: Clock) -> None:
        self._pool = pool
        self._summaries = summaries
        self._clock = clock

    async def look(self) -> None:
        await self._summaries.make_due()
        now = self._clock.now()
        async with state.transaction(self._pool) as tx:
            await notifications.tell_of_states(tx, now)
            await deliveries.owe_alerts(tx, now)

    async def newest(self, limit: int, *, only_open: bool) -> Sequence[Notification]:
        """What people were told."""
        async with state.connection(self._pool) as link:
            return await notifications.newest(link, limit, only_open=only_open)
