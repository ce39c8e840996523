"""Renews tokens before they expire, holds back the work of those that cannot be renewed, and ends what has expired."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from typing import Protocol

from structlog.typing import FilteringBoundLogger

from common.api.refusal import Refusal
from common.clock import Clock
from common.state.trouble import DatabaseTrouble, trouble_of
from token_broker import codes
from token_broker.refresh.store import RefreshStore
from token_broker.refresh.tokens import Renews
from token_broker.vault.access_log import AccessLog
from token_broker.vault.credentials import Credentials
from token_broker.vault.open_credential import CredentialStatus
from vendors.grant import NotGranted

EVERY_S = 2.0
TIDY_EVERY_S = 60.0
AT_ONCE = 50
# So many tries in a row without a token before people are told: the first minutes of an outage are nobody's business.
PATIENCE = 5
# Our own fault is mended by a newer version or by an operator, not by the next second.
PAUSE_AFTER_A_FAULT = timedelta(minutes=1)


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
        self._raised: BaseException | None = None

    async def look(self) -> None:
        """Starts what is due and closes the gates of what cannot go on; every two seconds, as the sandbox's clock may jump an hour."""
        if self._raised is not None:
            raised, self._raised = self._raised, None
            raise raised
        now = self._clock.now()
        for standing in await self._credentials.due(now, AT_ONCE + len(self._running)):
            if standing.connection not in self._running:
                task = asyncio.create_task(self._renew(standing), name=f"ahead:{standing.connection}")
                self._running[standing.connection] = task
                task.add_done_callback(partial(self._ended, standing.connection))
        for connection in await self._store.starving(now, PATIENCE):
            found = await self._credentials.standing(connection)
            if found is not None:
                await self._store.starve(found, now)

    async def tidy(self) -> None:
        """Drops what is over."""
        await self._access_log.forget(self._clock.now() - self._kept_for)
        for ending in self._endings:
            await ending.tidy()

    def _ended(self, connection: str, task: asyncio.Task[None]) -> None:
        """What a task raised is raised by the next look: nobody else waits for it."""
        self._running.pop(connection, None)
        if not task.cancelled() and task.exception() is not None:
            self._raised = task.exception()

    async def _renew(self, standing: CredentialStatus) -> None:
        try:
            await self._refresher.renew(standing.connection, standing.generation, "ahead")
        except Refusal as refusal:
            self._log.info("schedule.not_renewed", connection=standing.connection, code=refusal.code.name)
        except Exception as error:
            if trouble_of(error) in (DatabaseTrouble.AWAY, DatabaseTrouble.UNFIT):
                raise
            await self._broke(standing, error)

    async def _broke(self, standing: CredentialStatus, error: Exception) -> None:
        """Our own fault on one grant: counted like any other failure, so that its gate closes and people are told, and the others go on."""
        self._log.error("schedule.renewal_broke", connection=standing.connection, exc_info=error)
        now = self._clock.now()
        said = NotGranted(
            "transient", codes.BROKER_FAULT.name, f"Our code failed on this grant: {type(error).__name__}."
        )
        await self._store.pause(standing, None, said, now + PAUSE_AFTER_A_FAULT, now)
