"""Deleting a connection: refused while syncs use it, revoked at the vendor, and never half done for long.

Steps, and what a crash after each leaves:

1. One transaction, the row locked: no sync that is switched on uses it; state `deleting`. Whoever switches a sync on locks the row
   too (`for share`) and refuses unless it is `active`, so neither can slip between the other's look and write.
2. Webhooks that still lead here are removed at the vendor (`unhooking.py`); one that is away is waited for by the caretaker.
   The running consent is cancelled, then the grant deleted at the token-broker, which revokes it at the vendor. Crash before or in
   between: the row says `deleting`, and the caretaker repeats this step; both calls can be repeated.
3. One transaction: state `deleted`, its gates and open notifications gone. The row stays: history and links name it.

A consent that slipped through between 1 and 2 leaves a grant for a deleted connection; the caretaker deletes such grants.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from structlog.typing import FilteringBoundLogger

from common import failpoints
from common.api.refusal import Refusal
from common.clock import Clock
from common.state import pool as state
from console.broker import Broker
from console.refusals import BrokerAway, in_use, unknown_connection
from console.state import connecting as roads
from console.state import connections as rows
from console.state import gates


class Unhooks(Protocol):
    """Takes a connection's webhooks away from its vendor."""

    async def is_done(self, connection: str) -> bool:
        """False: the vendor has to be waited for."""


class Removal:
    """Takes connections away."""

    def __init__(
        self, pool: state.Pool, broker: Broker, unhooking: Unhooks, clock: Clock, log: FilteringBoundLogger
    ) -> None:
        self._pool = pool
        self._broker = broker
        self._unhooking = unhooking
        self._clock = clock
        self._log = log
        self._asked: set[str] = set()

    async def delete(self, connection: str) -> str | None:
        """What became of the grant (`yes`, `later`, `not offered`, `nothing`), or None when the vendor or the broker has to be waited for."""
        # Whoever asks is told what became of the grant: the caretaker must not end it between their two steps.
        self._asked.add(connection)
        try:
            return await self._delete(connection)
        finally:
            self._asked.discard(connection)

    async def _delete(self, connection: str) -> str | None:
        async with state.transaction(self._pool) as tx:
            row = await rows.read(tx, connection, lock=True)
            if row is None or row.state == "deleted":
                raise unknown_connection(connection)
            users = await rows.active_syncs(tx, connection)
            if users:
                raise in_use(row.name, users)
            await rows.mark(tx, connection, "deleting", self._clock.now())
        await failpoints.hit("console.removal.marked")
        try:
            return await self.finish(connection)
        except BrokerAway:
            return None

    async def finish(self, connection: str) -> str | None:
        """Steps 2 and 3; can be repeated. None: the vendor has to be waited for."""
        if not await self._unhooking.is_done(connection):
            return None
        async with state.connection(self._pool) as link:
            row = await rows.read(link, connection)
        if row is not None and row.connecting is not None and row.connecting.consent:
            await self._broker.cancel(row.connecting.consent)
        revoked = await self._broker.delete_grant(connection)
        await failpoints.hit("console.removal.revoked")
        now = self._clock.now()
        async with state.transaction(self._pool) as tx:
            await gates.forget(tx, connection, now)
            await roads.ended(tx, connection, "", "The connection was deleted.")
            await rows.mark(tx, connection, "deleted", now)
        self._log.info("connection.deleted", connection=connection, revoked=revoked)
        return revoked

    async def finish_all(self) -> None:
        """Goes on with what was broken off."""
        async with state.connection(self._pool) as link:
            waiting = await rows.in_state(link, "deleting")
        for connection in waiting:
            if connection not in self._asked:
                await self.finish(connection)

    async def sweep(self) -> None:
        """Deletes grants of connections that are gone; a grant whose connection is not known at all is left to people."""
        async with state.connection(self._pool) as link:
            gone = set(await rows.in_state(link, "deleted"))
        for connection in gone.intersection(await self._granted()):
            revoked = await self._broker.delete_grant(connection)
            self._log.warning("connection.grant_left_over", connection=connection, revoked=revoked)

    async def _granted(self) -> Iterable[str]:
        try:
            return [grant.connection for grant in (await self._broker.grants()).values() if grant.state != "revoking"]
        except Refusal:
            return ()
