"""A service's pool of connections, for its life."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from common.runtime import Runtime, SettingsT
from common.state.pool import Pool, close_pool, open_pool, watch

SIZE = 8


@asynccontextmanager
async def service_pool(runtime: Runtime[SettingsT], *, size: int = SIZE) -> AsyncIterator[Pool]:
    """Open until the service's life ends; a pool whose slots were lost ends the service."""
    pool = await open_pool(runtime.settings.database_url.reveal(), name=f"millrace-{runtime.service}", size=size)
    watching = runtime.spawn(watch(pool), "pool watch")
    try:
        yield pool
    finally:
        watching.cancel()
        await close_pool(pool)
