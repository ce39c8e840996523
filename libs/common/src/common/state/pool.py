"""The connections to PostgreSQL: every wait has an end, on our side and on the server's.

asyncpg waits for ever by default, so a half-open link would hang a service; and a cancelled task may leak a slot of the
pool, which `watch` notices.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import asyncpg
import orjson
import structlog

from common.state.storable import storable_json
from common.state.trouble import DATABASE_ERRORS, is_away

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
DbConnection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

CONNECT_TIMEOUT_S = 5.0
ACQUIRE_TIMEOUT_S = 5.0
COMMAND_TIMEOUT_S = 10.0
STUCK_AFTER_S = 30.0
# The server keeps a statement's plan for as long as we keep the statement. One that was made while a table was nearly empty reads the whole
# table for each batch, and in a first load of ten thousand records that doubles what the database works.
PLANS_LAST_S = 15

# The server gives up a second before we do: its refusal says what was slow, ours only that something was.
_SERVER_SETTINGS = {
    "statement_timeout": "9s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "30s",
    "tcp_keepalives_idle": "20",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "timezone": "UTC",
}

_log = structlog.get_logger(__name__)


class PoolStuck(Exception):
    """No connection came back to the pool for half a minute: slots were lost, and only a restart brings them back."""


async def open_pool(url: str, *, name: str, size: int = 8) -> Pool:
    """A pool whose sessions carry `name` in the server's own views; opens one connection, so a wrong URL fails here."""
    return await asyncpg.create_pool(
        url,
        min_size=1,
        max_size=size,
        timeout=CONNECT_TIMEOUT_S,
        command_timeout=COMMAND_TIMEOUT_S,
        max_cached_statement_lifetime=PLANS_LAST_S,
        server_settings={"application_name": name, **_SERVER_SETTINGS},
        init=_prepare,
        reset=_as_it_was,
    )


@asynccontextmanager
async def connection(pool: Pool) -> AsyncIterator[DbConnection]:
    """A connection without a transaction, for reads that stand alone."""
    async with pool.acquire(timeout=ACQUIRE_TIMEOUT_S) as acquired:
        yield acquired


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[DbConnection]:
    """A connection inside a transaction. A lost COMMIT raises and may still have happened: whatever is done in here must
    be repeatable by a key."""
    async with pool.acquire(timeout=ACQUIRE_TIMEOUT_S) as acquired, acquired.transaction():
        yield acquired


async def close_pool(pool: Pool, *, within: float = 5.0) -> None:
    """Closes politely, then by force: a statement on a dead link must not hold up the end of the process."""
    try:
        await asyncio.wait_for(pool.close(), within)
    except TimeoutError:
        pool.terminate()


async def watch(pool: Pool, *, stuck_after: float = STUCK_AFTER_S, every: float = 5.0) -> None:
    """Runs beside the service; raises PoolStuck when every slot has been out for so long that they are lost.

    A database that is away does not count: then connections fail, they are not missing.
    """
    while True:
        has_free = pool.get_idle_size() > 0 or pool.get_size() < pool.get_max_size()
        # Waiting in the queue like everybody else: under mere load a slot comes, whatever the load.
        if not has_free and not await _acquires(pool, stuck_after):
            raise PoolStuck(f"All {pool.get_max_size()} database connections have been in use for {stuck_after:.0f} s.")
        await asyncio.sleep(every)


async def _acquires(pool: Pool, timeout: float) -> bool:
    try:
        async with pool.acquire(timeout=timeout):
            return True
    except TimeoutError:
        return False
    except DATABASE_ERRORS as error:
        if not is_away(error):
            raise
        _log.debug("pool.watch_could_not_connect", error=type(error).__name__)
        return True


async def _prepare(fresh: Any) -> None:
    _keep_alive(fresh)
    await fresh.set_type_codec(
        "jsonb", schema="pg_catalog", format="binary", encoder=_jsonb_bytes, decoder=lambda raw: orjson.loads(raw[1:])
    )
    await fresh.set_type_codec(
        "json", schema="pg_catalog", format="binary", encoder=storable_json, decoder=orjson.loads
    )


async def _as_it_was(used: Any) -> None:
    """Nothing: settings are only ever set for a transaction, and session locks are held on connections outside the pool.

    The driver has ended an open transaction by now. Its own statements to forget the rest are one more round trip after each use.
    """


def _jsonb_bytes(value: object) -> bytes:
    # The binary form of jsonb is its text after one byte, the version of the form.
    return b"\x01" + storable_json(value)


def _keep_alive(fresh: Any) -> None:
    # asyncpg has no option for keep-alives on our side; without them an idle link that died is found by the next statement.
    transport = getattr(fresh, "_transport", None)
    sock = transport.get_extra_info("socket") if transport is not None else None
    if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", 20), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, option):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
