"""Goes on with what was broken off: connections half made, connections half deleted, grants left over."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

from structlog.typing import FilteringBoundLogger

from common.api.refusal import Refusal
from common.clock import Clock, monotonic
from common.state import pool as state
from common.state.trouble import DATABASE_ERRORS, DatabaseTrouble, is_away, trouble_of
from console import codes
from console.state import connecting as roads
from console.use_cases.connecting import Connecting
from console.use_cases.removal import Removal

EVERY_S = 2.0
SWEEP_EVERY_S = 60.0


class Caretaker:
    """One task of the service; several replicas do the same work without harm, because each step can be repeated."""

    def __init__(
        self, pool: state.Pool, connecting: Connecting, removal: Removal, clock: Clock, log: FilteringBoundLogger
    ) -> None:
        self._pool = pool
        self._connecting = connecting
        self._removal = removal
        self._clock = clock
        self._log = log
        self._next_sweep = 0.0

    async def step(self) -> None:
        """One round; a refusal concerns one kind of work, and a database that is away all of them."""
        await self._unless_refused("connecting", self.settle_all)
        await self._unless_refused("deleting", self._removal.finish_all)
        if monotonic() >= self._next_sweep:
            await self._unless_refused("sweeping", self._removal.sweep)
            self._next_sweep = monotonic() + SWEEP_EVERY_S

    async def settle_all(self) -> None:
        """Brings every open road as far as it can go now."""
        async with state.connection(self._pool) as link:
            due = await roads.due(link, self._clock.now())
        for connection in due:
            await self._try("connecting", partial(self._settle, connection))

    async def _settle(self, connection: str) -> None:
        try:
            await self._connecting.settle(connection)
        except Refusal:
            raise
        except Exception as error:
            if trouble_of(error) in (DatabaseTrouble.AWAY, DatabaseTrouble.UNFIT):
                raise
            await self._give_up(connection, error)
        finally:
            # One that makes trouble must not keep the others from their turn.
            async with state.connection(self._pool) as link:
                await roads.look_again(link, connection, self._clock.now() + timedelta(seconds=EVERY_S))

    async def _give_up(self, connection: str, error: Exception) -> None:
        """Our own fault on one connection: whoever connects it is told, and the others go on."""
        self._log.error("caretaker.connecting_broke", connection=connection, exc_info=error)
        async with state.connection(self._pool) as link:
            await roads.ended(link, connection, codes.API_FAULT.name, f"Our code failed: {type(error).__name__}.")

    async def _unless_refused(self, what: str, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Refusal as refusal:
            self._log.warning("caretaker.later", work=what, error=str(refusal))

    async def _try(self, what: str, work: Callable[[], Awaitable[None]]) -> None:
        """One connection's turn: what is away for it may be there for the next."""
        try:
            await self._unless_refused(what, work)
        except DATABASE_ERRORS as error:
            if not is_away(error):
                raise
            self._log.warning("caretaker.later", work=what, error=str(error) or type(error).__name__)
