"""Senders who come close behind each other go on together, and share a request; who comes alone goes at once (decision 30)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from common.clock import monotonic
from common.patience import Patience


class Departures:
    """Lets those who come close behind each other go on together; who comes alone goes at once.

    Nobody leaves sooner after the last departure than its company says, but for the first: that is how load is seen at all.
    """

    def __init__(self, patience: Patience, *, clock: Callable[[], float] = monotonic) -> None:
        self._patience = patience
        self._clock = clock
        self._left_at = float("-inf")
        self._came = 0
        self._leaving: asyncio.Future[None] | None = None

    async def join(self) -> None:
        """Returns when it is time to go; all who waited for one departure go in the order in which they came."""
        if self._leaving is None:
            left = self._left_at + self._patience.after(max(2, self._came)) - self._clock()
            if left <= 0:
                self._leave(1)
                return
            self._leaving = asyncio.get_running_loop().create_future()
            self._came = 0
            asyncio.get_running_loop().call_later(left, self._depart, self._leaving)
        self._came += 1
        await asyncio.shield(self._leaving)

    def _depart(self, leaving: asyncio.Future[None]) -> None:
        self._leaving = None
        self._leave(self._came)
        leaving.set_result(None)

    def _leave(self, came: int) -> None:
        self._left_at, self._came = self._clock(), came
