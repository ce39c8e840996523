"""Late commits: calls whose connection was reset and which are applied some time later, as real gateways do."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from sandbox.clock import Clock
from sandbox.simulator import Request, Ticket

Apply = Callable[[str, Request, Ticket], None]


@dataclass(order=True, slots=True)
class LateCommit:
    """One call that waits for its hour."""

    due: float
    order: int
    vendor: str = field(compare=False)
    request: Request = field(compare=False)
    ticket: Ticket = field(compare=False)


class LateCommits:
    """Applies each call when the sandbox's clock says so."""

    def __init__(self, clock: Clock, apply: Apply) -> None:
        self._clock, self._apply = clock, apply
        self._waiting: list[LateCommit] = []
        self._added = 0
        self._wake = asyncio.Event()

    def add(self, vendor: str, request: Request, ticket: Ticket, seconds: float) -> None:
        self._added += 1
        due = self._clock.time() + seconds
        heapq.heappush(self._waiting, LateCommit(due, self._added, vendor, request, ticket))
        self._wake.set()

    def apply_due(self) -> None:
        """Apply what is due now."""
        while self._waiting and self._waiting[0].due <= self._clock.time():
            late = heapq.heappop(self._waiting)
            self._apply(late.vendor, late.request, late.ticket)

    async def run(self) -> None:
        """Apply each in its time, until cancelled."""
        while True:
            self.apply_due()
            self._wake.clear()
            wait = self._waiting[0].due - self._clock.time() if self._waiting else 3600.0
            woken = [asyncio.ensure_future(self._wake.wait()), asyncio.ensure_future(self._clock.moved_or(wait))]
            try:
                await asyncio.wait(woken, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in woken:
                    task.cancel()

    def pending(self) -> int:
        return len(self._waiting)

    def reset(self) -> None:
        self._waiting.clear()

    def dump(self) -> object:
        return list(self._waiting), self._added

    def load(self, dumped: object) -> None:
        self._waiting, self._added = cast(tuple[list[LateCommit], int], dumped)
