"""The waiters of one process for one set of limits: ordered by priority, then by arrival; only the first asks the meters."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from common.clock import monotonic
from common.failures import Failure
from common.http.profile import Limit


class QueueSlot(Protocol):
    """What a waiter gets."""

    def unused(self) -> None:
        """Gives it back."""


QueueSlotT = TypeVar("QueueSlotT", bound=QueueSlot)

# A waiter that the meters have not heard of for three seconds loses its place in the queue of all processes.
LONGEST_SLEEP_S = 1.0


@dataclass(slots=True, order=True)
class Waiter(Generic[QueueSlotT]):
    """One call that wants a place."""

    rank: int
    order: int
    since_ms: int = field(compare=False)
    hold_s: float = field(compare=False)
    deadline: float = field(compare=False)
    cost: int = field(compare=False)
    limits: tuple[Limit, ...] = field(compare=False)
    """With what this call takes of each."""
    place: asyncio.Future[QueueSlotT] = field(compare=False)
    blocked_by: str = field(default="", compare=False)
    retry_at: datetime | None = field(default=None, compare=False)
    saturated_use: float | None = field(default=None, compare=False)


Step = Callable[[Waiter[QueueSlotT]], Awaitable[QueueSlotT | Failure | float]]


class CallLane(Generic[QueueSlotT]):
    """A queue and the one task that serves it."""

    def __init__(self, step: Step[QueueSlotT], rest: Callable[[], Awaitable[None]]) -> None:
        """`step` asks for the first waiter: a place, a failure, or the seconds until asking again makes sense.

        `rest` is called when nobody waits any more.
        """
        self._step = step
        self._rest = rest
        self._waiters: list[Waiter[QueueSlotT]] = []
        self._wake = asyncio.Event()
        self._server: asyncio.Task[None] | None = None
        self._resting = False

    async def join(self, waiter: Waiter[QueueSlotT]) -> QueueSlotT:
        """Waits for a place; raises TimeoutError at the waiter's deadline."""
        heapq.heappush(self._waiters, waiter)
        self._wake.set()
        if self._server is None or self._server.done() or self._resting:
            self._resting = False
            self._server = asyncio.create_task(self._serve(), name="budget-lane")
        try:
            async with asyncio.timeout(max(0.0, waiter.deadline - monotonic())):
                return await waiter.place
        except BaseException:
            # Given at the very moment in which the caller gave up: the place goes back.
            if waiter.place.done() and not waiter.place.cancelled() and waiter.place.exception() is None:
                waiter.place.result().unused()
            waiter.place.cancel()
            self._wake.set()
            raise

    @property
    def idle(self) -> bool:
        return not self._waiters

    def wake(self) -> None:
        """A place may have come free."""
        self._wake.set()

    async def aclose(self) -> None:
        """Nobody asks the meters any more."""
        if self._server is not None:
            self._server.cancel()
            await asyncio.wait([self._server], timeout=LONGEST_SLEEP_S)

    async def _serve(self) -> None:
        while (first := self._first()) is not None:
            self._wake.clear()
            try:
                answer = await self._step(first)
            except Exception as error:  # noqa: BLE001 - raised where it is waited for; the others must not wait in vain
                self._end(first, error)
                continue
            if isinstance(answer, float):
                await self._sleep(answer)
            else:
                self._end(first, answer)
        self._resting = True
        await self._rest()

    def _first(self) -> Waiter[QueueSlotT] | None:
        while self._waiters and self._waiters[0].place.done():
            heapq.heappop(self._waiters)
        return self._waiters[0] if self._waiters else None

    def _end(self, waiter: Waiter[QueueSlotT], answer: QueueSlotT | Exception) -> None:
        if waiter.place.done():
            if not isinstance(answer, Exception):
                answer.unused()
        elif isinstance(answer, Exception):
            waiter.place.set_exception(answer)
        else:
            waiter.place.set_result(answer)

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(min(seconds, LONGEST_SLEEP_S)):
                await self._wake.wait()
        except TimeoutError:
            return
