"""One at a time across all replicas: whoever works at a vendor's settings for a connection excludes everybody else who would."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from common.state import pool as state


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
