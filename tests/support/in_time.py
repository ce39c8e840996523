"""What has to be over in so many seconds, by the loop that also does it: a machine that is slow is slow for both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def over_before(seconds: float) -> AsyncIterator[None]:
    """What is done inside is over before a pause of so many seconds that began with it."""
    pause = asyncio.create_task(asyncio.sleep(seconds))
    await asyncio.sleep(0)  # it has begun
    try:
        yield
        assert not pause.done(), f"it was not over within {seconds:g} s"
    finally:
        pause.cancel()
