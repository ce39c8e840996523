"""Keeps the leases of living executors: a claim is good for a quarter of a minute, and is renewed as long as its process lives.

A process that stops, dies or loses the database keeps nothing; its rows are taken over, and on hold where something is in flight.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

from common.clock import monotonic
from common.loops import Loop
from common.state.pool import Pool, connection

# So long what a dead process had claimed waits for another one; what its process paused for longer than that is not sent (R3).
LEASE = timedelta(seconds=15)


class Lease:
    """How long the rows of one token are certainly ours, by this process's own clock."""

    def __init__(self, until: float) -> None:
        self.until = until

    @property
    def holds(self) -> bool:
        return monotonic() < self.until


class LeaseRenewer:
    """Renews the leases of all tokens in use, with one statement each time."""

    def __init__(self, pool: Pool, lease: timedelta = LEASE) -> None:
        self._pool = pool
        self.lease = lease
        self._held: dict[UUID, Lease] = {}

    @contextlib.contextmanager
    def keeping(self, token: UUID, since: float) -> Iterator[Lease]:
        """`since` was taken before the claim's transaction, so that our time is over before the database's."""
        lease = self._held[token] = Lease(since + self.lease.total_seconds())
        try:
            yield lease
        finally:
            del self._held[token]

    async def run(self, stopping: asyncio.Event) -> None:
        """Until the service stops and nothing is kept any more. A database that is away is asked as often as one that is there."""
        drained, every_s = asyncio.Event(), self.lease.total_seconds() / 3

        async def step() -> None:
            if self._held:
                await self._renew()
            elif stopping.is_set():
                drained.set()

        await Loop("lease renewer", every_s, step, longest_s=every_s).run(drained)

    async def _renew(self) -> None:
        since, held = monotonic(), dict(self._held)
        async with connection(self._pool) as link:
            await link.execute(_RENEW, list(held), self.lease)
        for lease in held.values():
            lease.until = since + self.lease.total_seconds()


# A row whose lease has run out is not renewed: somebody may be taking it over.
_RENEW = """
update flow.work_item set lease_until = now() + $2
 where token = any($1::uuid[]) and state in ('leased', 'hold') and lease_until > now()
"""
