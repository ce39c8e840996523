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
        self._leaving: list[asyncio.Future[None]] | None = None

    async def join(self) -> None:
        """Returns when it is time to go; all who waited for one departure go in the order in which they came."""
        loop = asyncio.get_running_loop()
        if self._leaving is None:
            left = self._left_at + self._patience.after(max(2, self._came)) - self._clock()
            if left <= 0:
                self._leave(1)
                return
            self._leaving = []
            loop.call_later(left, self._depart)
        # One of its own for each: that is cheaper than one for all which nobody who gives up may take along.
        going = loop.create_future()
        self._leaving.append(going)
        await going

    def _depart(self) -> None:
        leaving, self._leaving = self._leaving or [], None
        self._leave(len(leaving))
        for going in leaving:
            if not going.done():
                going.set_result(None)

    def _leave(self, came: int) -> None:
        self._left_at, self._came = self._clock(), came
