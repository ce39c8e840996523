"""Renews tokens before they expire, holds back the work of those that cannot be renewed, and ends what has expired."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Protocol

import asyncpg
from structlog.typing import FilteringBoundLogger

from common.clock import Clock
from token_broker.access_log import AccessLog
from token_broker.credentials import Credentials
from token_broker.held import Standing
from token_broker.refresh_store import RefreshStore
from token_broker.refusals import Refusal
from token_broker.tokens import Renews

EVERY_S = 1.0
TIDY_EVERY = 60
AT_ONCE = 50
# So many tries in a row without a token before people are told: the first minutes of an outage are nobody's business.
PATIENCE = 5
_AWAY = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)


class Ends(Protocol):
    """Something that removes what is over."""

    async def tidy(self) -> None: ...


class Schedule:
    """The clockwork of the broker; every replica runs one, the lock decides who refreshes."""

    def __init__(
        self,
        credentials: Credentials,
        store: RefreshStore,
        refresher: Renews,
        access_log: AccessLog,
        endings: tuple[Ends, ...],
        clock: Clock,
        kept_for: timedelta,
        log: FilteringBoundLogger,
    ) -> None:
        self._credentials = credentials
        self._store = store
        self._refresher = refresher
        self._access_log = access_log
        self._endings = endings
        self._clock = clock
        self._kept_for = kept_for
        self._log = log
        self._running: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Looks every second: the sandbox's clock may jump an hour between two looks."""
        beat = 0
        while True:
            try:
                await self.look()
                if beat % TIDY_EVERY == 0:
                    await self.tidy()
            except _AWAY as away:
                self._log.warning("schedule.database_away", error=type(away).__name__)
            beat += 1
            await asyncio.sleep(EVERY_S)

    async def look(self) -> None:
        """Starts what is due and closes the gates of what cannot go on."""
        now = self._clock.now()
        for standing in await self._credentials.due(now, AT_ONCE + len(self._running)):
            if standing.connection not in self._running:
                task = asyncio.create_task(self._renew(standing), name=f"ahead:{standing.connection}")
                self._running[standing.connection] = task
                task.add_done_callback(lambda _, gone=standing.connection: self._running.pop(gone, None))  # type: ignore[misc]
        for connection in await self._store.starving(now, PATIENCE):
            found = await self._credentials.standing(connection)
            if found is not None:
                await self._store.starve(found, now)

    async def tidy(self) -> None:
        """Drops what is over."""
        await self._access_log.forget(self._clock.now() - self._kept_for)
        for ending in self._endings:
            await ending.tidy()

    async def _renew(self, standing: Standing) -> None:
        try:
            await self._refresher.renew(standing.connection, standing.generation, "ahead")
        except Refusal as refusal:
            self._log.info("schedule.not_renewed", connection=standing.connection, code=refusal.code.name)
