"""Pausing and resuming a connection: the one gate that belongs to people. Webhooks are still received, work waits."""

from __future__ import annotations

from common.clock import Clock
from common.state import pool as state
from console.refusals import unknown_connection
from console.state import connections as rows
from console.state import gates
from console.use_cases.connections import Connections, Shown, refuse_unless_usable


class Gates:
    """Closes and opens the gate `paused`; either can be repeated."""

    def __init__(self, pool: state.Pool, connections: Connections, clock: Clock) -> None:
        self._pool = pool
        self._connections = connections
        self._clock = clock

    async def pause(self, connection: str, by: str) -> Shown:
        """Nothing of this connection is read or written until somebody resumes it."""
        async with state.transaction(self._pool) as tx:
            row = await rows.read(tx, connection, lock=True)
            if row is None or row.state == "deleted":
                raise unknown_connection(connection)
            refuse_unless_usable(row)
            await gates.pause(tx, connection, f"Paused by {by}.", self._clock.now())
        return await self._connections.show(connection)

    async def resume(self, connection: str) -> Shown:
        """What waited goes on, unless another reason holds it back."""
        await self._connections.row(connection)
        async with state.transaction(self._pool) as tx:
            await gates.resume(tx, connection, self._clock.now())
        return await self._connections.show(connection)
