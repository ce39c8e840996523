"""A connection that leaves takes its webhooks along: they are removed at the vendor while its grant still opens the account.

Only what an audit has not removed yet is left to do, and it holds nobody up: a vendor that does not answer in some seconds is asked again
by the caretaker, for a day at most. What a vendor refuses to remove stays there, and leads to an address that knows it no more.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta

from structlog.typing import FilteringBoundLogger

from common.clock import Clock, monotonic
from common.contracts.ids import ConnectionId
from common.failures import Failure, FailureClass
from common.http.call import Api, Call, VendorAnswer
from common.state import channels
from common.state import pool as state
from common.state.turns import alone
from console.state import connections as rows
from console.use_cases.drafting import Drafting
from console.use_cases.hooks import Hooks

PATIENCE_S = 10.0
LONGEST = timedelta(days=1)
_PASSING = (FailureClass.TRANSIENT, FailureClass.UNKNOWN, FailureClass.RATE_LIMITED)


class Unhooking:
    """Removes webhooks; can be repeated."""

    def __init__(
        self, pool: state.Pool, drafting: Drafting, hooks: Hooks, clock: Clock, log: FilteringBoundLogger
    ) -> None:
        self._pool = pool
        self._drafting = drafting
        self._hooks = hooks
        self._clock = clock
        self._log = log

    async def is_done(self, connection: str) -> bool:
        """False: the vendor has to be waited for."""
        async with state.connection(self._pool) as link:
            left = sorted(await channels.subjects(link, ConnectionId(connection)))
            row = await rows.read(link, connection)
        if not left or row is None:
            return True
        try:
            await self._remove(connection, left)
        except Failure as failure:
            waits = failure.kind in _PASSING and self._clock.now() < row.updated_at + LONGEST
            self._log.warning("connection.webhooks_left", connection=connection, waits=waits, reason=str(failure)[:300])
            return not waits
        return True

    async def _remove(self, connection: str, left: list[str]) -> None:
        end = await self._drafting.open(connection)
        in_time = _InTime(end.api, monotonic() + PATIENCE_S)
        async with alone(self._pool, [connection]):
            removed = await self._hooks.remove(replace(end, api=in_time), left)
        self._log.info("connection.webhooks_removed", connection=connection, removed=removed)


@dataclass(frozen=True, slots=True)
class _InTime:
    """The door, for somebody who is waited for."""

    api: Api
    deadline: float

    async def call(self, call: Call) -> VendorAnswer:
        return await self.api.call(replace(call, deadline=self.deadline))

    def lines(self, call: Call) -> AsyncIterator[bytes]:
        return self.api.lines(replace(call, deadline=self.deadline))
