"""One question at a time for each key, however many ask: whoever comes while it is in flight waits for the same answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Found = TypeVar("Found")


class Flights(Generic[Key, Found]):
    """The questions that are in flight."""

    def __init__(self) -> None:
        self._running: dict[Key, asyncio.Task[Found]] = {}

    def __contains__(self, key: Key) -> bool:
        return key in self._running

    async def join(self, key: Key, ask: Callable[[], Coroutine[Any, Any, Found]]) -> Found:
        """The answer to the question of this key; `ask` puts it if nobody has."""
        running = self._running.get(key)
        if running is None:
            running = asyncio.create_task(ask())
            self._running[key] = running
            running.add_done_callback(lambda done: self._landed(key, done))
        # Shielded: a caller that gives up must not take the answer from the others.
        return await asyncio.shield(running)

    def cancel(self) -> None:
        """Ends all of them."""
        for task in tuple(self._running.values()):
            task.cancel()

    def _landed(self, key: Key, done: asyncio.Task[Found]) -> None:
        self._running.pop(key, None)
        if not done.cancelled():
            done.exception()  # looked at: whoever waited has it, and nobody may be waiting any more
