"""One at a time across all replicas: whoever works at a vendor's settings for a connection excludes everybody else who would."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from common.clock import monotonic
from common.state import pool as state

_ASKED_AGAIN_S = 0.2


@asynccontextmanager
async def alone(pool: state.Pool, connections: Iterable[str]) -> AsyncIterator[None]:
    """Holds the turn of these connections on a session of its own, without a transaction: vendors are called meanwhile. The turn ends
    with the session, so a crash frees it."""
    async with state.connection(pool) as link:
        for one in sorted(set(connections)):
            await link.execute("select pg_advisory_lock(hashtextextended('millrace:settings:' || $1, 0))", one)
        try:
            yield
        finally:
            await link.execute("select pg_advisory_unlock_all()")


@asynccontextmanager
async def alone_if_free(pool: state.Pool, connection: str) -> AsyncIterator[bool]:
    """The same without waiting: False while somebody else has the turn."""
    async with state.connection(pool) as link:
        mine = await link.fetchval(
            "select pg_try_advisory_lock(hashtextextended('millrace:settings:' || $1, 0))", connection
        )
        try:
            yield bool(mine)
        finally:
            await link.execute("select pg_advisory_unlock_all()")


@asynccontextmanager
async def alone_in_time(pool: state.Pool, name: str, within_s: float) -> AsyncIterator[bool]:
    """The same, waiting so long at most; False when the turn has not come by then. Nobody who waits has a session meanwhile."""
    until = monotonic() + within_s
    while True:
        async with alone_if_free(pool, name) as mine:
            if mine or monotonic() >= until:
                yield mine
                return
        await asyncio.sleep(_ASKED_AGAIN_S)
