"""One refresh in flight per grant, over all replicas: a session advisory lock on a connection that does nothing else.

No row is locked and no transaction is open while a vendor is asked. A session lock ends with its session, however that ends, so a
holder whose connection broke has lost it without being told: it asks `sure` just before it sends.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from common.clock import monotonic
from common.state.pool import COMMAND_TIMEOUT_S, CONNECT_TIMEOUT_S
from common.state.trouble import DATABASE_ERRORS, is_away

_LOOK_AGAIN_S = 0.05
_KEY = "hashtextextended('millrace:grant:' || $1, 0)"


class LockLost(Exception):
    """The session that held the lock is gone: whatever was not sent yet must not be sent."""


class LockBusy(Exception):
    """Another replica holds the lock for longer than we wait."""


Sure = Callable[[], None]


class GrantLocks:
    """The locks of this process, all on one session."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._link: Any = None
        self._speaking = asyncio.Lock()
        # A session may take the same lock twice: inside the process, this is what excludes.
        self._inside: dict[str, asyncio.Lock] = {}

    @asynccontextmanager
    async def hold(self, connection: str, wait_s: float) -> AsyncIterator[Sure]:
        """Holds the grant's lock; the value given raises LockLost once the lock is gone."""
        deadline = monotonic() + wait_s
        inside = self._inside.setdefault(connection, asyncio.Lock())
        try:
            async with asyncio.timeout(wait_s):
                await inside.acquire()
        except TimeoutError:
            raise LockBusy from None
        try:
            session = await self._take(connection, deadline)
            try:
                yield lambda: self._check(session)
            finally:
                await self._give_back(connection, session)
        finally:
            inside.release()

    async def aclose(self) -> None:
        """Lets go of everything."""
        if self._link is not None:
            self._link.terminate()

    async def _take(self, connection: str, deadline: float) -> Any:
        while True:
            session, taken = await self._try(connection)
            if taken:
                return session
            if monotonic() >= deadline:
                raise LockBusy
            await asyncio.sleep(_LOOK_AGAIN_S)

    async def _try(self, connection: str) -> tuple[Any, bool]:
        async with self._speaking:
            session = await self._session()
            try:
                return session, bool(await session.fetchval(f"select pg_try_advisory_lock({_KEY})", connection))
            except BaseException:
                # Nobody knows whether it was taken: a session that ends holds nothing.
                session.terminate()
                raise

    async def _session(self) -> Any:
        if self._link is None or self._link.is_closed():
            self._link = await asyncpg.connect(
                self._url,
                timeout=CONNECT_TIMEOUT_S,
                command_timeout=COMMAND_TIMEOUT_S,
                server_settings={
                    "application_name": "millrace-token-broker-locks",
                    "tcp_keepalives_idle": "20",
                    "tcp_keepalives_interval": "5",
                    "tcp_keepalives_count": "3",
                },
            )
        return self._link

    def _check(self, session: Any) -> None:
        if session is not self._link or session.is_closed():
            raise LockLost

    async def _give_back(self, connection: str, session: Any) -> None:
        async with self._speaking:
            if session is not self._link or session.is_closed():
                return
            try:
                await session.execute(f"select pg_advisory_unlock({_KEY})", connection)
            except DATABASE_ERRORS as error:
                # A session that cannot unlock is ended: that unlocks.
                session.terminate()
                if not is_away(error):
                    raise
