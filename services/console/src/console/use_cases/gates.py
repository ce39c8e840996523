"""Pausing and resuming a connection. Webhooks are still received meanwhile, work waits.

Resuming lifts the pause of a person at once. What the vendor refused, or a vendor that did not answer, is tried first: the gate opens
only if that goes well.
"""

from __future__ import annotations

from common.api.refusal import Refusal
from common.clock import Clock
from common.state import pool as state
from common.state.gates import REFUSED, VENDOR_AWAY
from console import codes
from console.refusals import unknown_connection
from console.state import connections as rows
from console.state import gates
from console.use_cases.connections import Connections, Shown, refuse_unless_usable
from console.use_cases.trials import Trials


class Gates:
    """Closes and opens the gates that are for people; either can be repeated."""

    def __init__(self, pool: state.Pool, connections: Connections, trials: Trials, clock: Clock) -> None:
        self._pool = pool
        self._connections = connections
        self._trials = trials
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
        row = await self._connections.row(connection)
        async with state.transaction(self._pool) as tx:
            await gates.resume(tx, connection, self._clock.now())
        if any(gate.reason in (REFUSED, VENDOR_AWAY) for gate in row.gates):
            await self._try(connection)
        return await self._connections.show(connection)

    async def _try(self, connection: str) -> None:
        trial = await self._trials.test(connection)
        if not trial.ok:
            words = f" The vendor says: {trial.vendor_words}" if trial.vendor_words else ""
            raise Refusal(409, codes.CONNECTION_STILL_REFUSED, f"{trial.message}{words} {trial.action}".strip())
        async with state.transaction(self._pool) as tx:
            await gates.work_again(tx, connection, self._clock.now())
