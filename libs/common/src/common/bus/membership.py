"""A consumer's way into its group: tried until a broker answers, so that a service may start before its Kafka and go on without it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiokafka.errors import KafkaError

from common.bus.abandoning import abandon
from common.bus.limits import ConsumerLimits
from common.loops import until_set

CONNECT_S = 30.0
# A try costs a connection and two lines of the log; a broker that is back is not kept waiting for it.
LONGEST_S = 5.0

_log = structlog.get_logger(__name__)


async def _nothing() -> None:
    """There is nothing to do before."""


class Membership:
    """The client of one member: made anew for each try, because one that failed to start is not used again."""

    def __init__(
        self,
        make: Callable[[], tuple[Any, Any]],
        group: str,
        limits: ConsumerLimits,
        before: Callable[[], Awaitable[None]] = _nothing,
    ) -> None:
        """`before` is done each time before it joins."""
        self._make = make
        self._before = before
        self._group = group
        self._limits = limits
        self._broker, self._subscriber = make()
        self.away = ""
        """Why it is not in its group yet; empty once it is."""

    @property
    def consumer(self) -> Any:
        """The client that reads; None until there is one."""
        return self._subscriber.consumer

    async def join(self, stopping: asyncio.Event) -> bool:
        """Returns once a broker has answered; False when the service stops before, and then nothing is left of it."""
        tries = 0
        while not stopping.is_set():
            try:
                if await self._started(stopping):
                    self.away = ""
                    return True
            except (KafkaError, OSError, TimeoutError) as away:
                await self._wait(away, tries, stopping)
                tries += 1
        await self.leave()
        return False

    def fetch_no_more(self) -> None:
        """What was fetched is brought to its end, nothing more is asked for."""
        self._subscriber.running = False

    async def leave(self) -> None:
        """Politely that takes tens of seconds when the broker is away; then it forgets us by itself, and we it."""
        client = self.consumer
        stopping: asyncio.Task[None] = asyncio.create_task(self._broker.stop())
        try:
            await asyncio.wait({stopping}, timeout=self._limits.close_s)
        finally:
            stopping.add_done_callback(_seen)
            stopping.cancel()
        if stopping.done() and not stopping.cancelled() and stopping.exception() is None:
            return
        _log.info("consumer.left_without_a_word", group=self._group)
        if client is not None:
            await abandon(client)

    async def _started(self, stopping: asyncio.Event) -> bool:
        starting, stopped = asyncio.create_task(self._start()), asyncio.create_task(stopping.wait())
        try:
            await asyncio.wait({starting, stopped}, timeout=CONNECT_S, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                return True
            if stopping.is_set():
                return False
            raise TimeoutError(f"nothing was heard for {CONNECT_S:g} s")
        finally:
            starting.cancel()
            stopped.cancel()
            # What a start leaves undone is known only when it has ended, and `leave` takes care of it.
            await asyncio.gather(starting, stopped, return_exceptions=True)

    async def _start(self) -> None:
        await self._before()
        await self._broker.start()

    async def _wait(self, away: Exception, tries: int, stopping: asyncio.Event) -> None:
        await self.leave()
        shortest, longest = self._limits.wait_s
        longest = min(longest, LONGEST_S)
        seconds = random.uniform(shortest, max(shortest, min(longest, shortest * 2.0 ** min(tries, 10))))  # noqa: S311
        self.away = f"{self._group} is not connected to Kafka: no broker answers ({type(away).__name__})."
        _log.warning("consumer.kafka_away", group=self._group, reason=repr(away)[:300], seconds=round(seconds, 1))
        self._broker, self._subscriber = self._make()
        await until_set(stopping, within=seconds)


def _seen(ended: asyncio.Task[None]) -> None:
    # Nobody waits for it any more; asyncio would report its error as forgotten.
    if not ended.cancelled():
        ended.exception()
