"""Hears what others tell through the database: one connection of the pool listens, and another one takes its place when it is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

from common.loops import Loop, until_set
from common.state.pool import Pool, connection

# Told by the database itself with every change of connections, syncs and mappings (migration 0010).
CONFIGURATION = "config_rev"
AGAIN_S = 0.5


async def listen(pool: Pool, channels: Sequence[str], heard: Callable[[], None], stopping: asyncio.Event) -> None:
    """Calls `heard` for each message, and once at each beginning: what was told before may have been missed."""

    def told(*_: object) -> None:
        heard()

    async def as_long_as_it_lasts() -> None:
        lost = asyncio.Event()
        # One that is cancelled at its end leaves none of its channels behind.
        async with connection(pool) as link, AsyncExitStack() as ends:
            link.add_termination_listener(lambda *_: lost.set())
            for channel in channels:
                ends.push_async_callback(link.remove_listener, channel, told)
                await link.add_listener(channel, told)
            heard()
            await until_set(stopping, lost)

    await Loop("listener", AGAIN_S, as_long_as_it_lasts).run(stopping)
