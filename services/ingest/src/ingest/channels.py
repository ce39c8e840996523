"""Keeps webhooks: every connection that shall call us is audited against the vendor's own list, every ten minutes, by one process.

In: what active syncs want to hear. Out: webhooks as they shall be (`channel_audit.py`), and when each was last heard of. A webhook that
somebody deleted, switched off or that has an address we no longer have is back with the next audit; one that no sync wants any more is
removed as soon as the vendor lets us.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from uuid import UUID

import structlog

from common.clock import Clock, monotonic
from common.contracts.connections import Connection
from common.contracts.ids import ConnectionId
from common.loops import Loop
from common.state import app_heard, channels
from common.state.channels import DueAudit
from common.state.configuration import ConfigurationReader
from common.state.pool import DbConnection, Pool, transaction
from ingest.channel_audit import ChannelAudit, heard_by
from ingest.deliveries import Deliveries
from ingest.sends import Opens
from vendors.channel import HookSecrets

EVERY_S, CALM_S = 1.0, 3.0
# Each holds a session of the database while it asks its vendor.
AT_ONCE = 2
LEASE = timedelta(seconds=60)
RENEW_S = 10.0

_log = structlog.get_logger(__name__)


class Channels:
    """One task for each audit."""

    def __init__(
        self,
        pool: Pool,
        door: Opens,
        vault: Callable[[Connection], HookSecrets],
        deliveries: Deliveries,
        configuration: ConfigurationReader,
        clock: Clock,
        public_url: str | None,
    ) -> None:
        self._pool = pool
        self._deliveries = deliveries
        self._configuration = configuration
        self._clock = clock
        self._public_url = public_url
        self._audit = ChannelAudit(pool, door, vault, configuration, clock, public_url or "")
        self._running: dict[ConnectionId, asyncio.Task[None]] = {}
        self._leases: dict[ConnectionId, UUID] = {}
        self._next_renewal = 0.0
        self._revision: int | None = None
        self._loop = Loop("channels", EVERY_S, self._look_round, calm_s=CALM_S)
        self.look = self._loop.look

    async def run(self, stopping: asyncio.Event) -> None:
        """Audits until the service stops."""
        try:
            await self._loop.run(stopping)
        finally:
            for audit in (audits := list(self._running.values())):
                # The next one goes on with what the vendor has by then.
                audit.cancel()
            await asyncio.gather(*audits, return_exceptions=True)

    async def step(self) -> bool:
        """Audits what is due to its end; False when nothing is."""
        begun = await self._begin()
        await asyncio.gather(*self._running.values(), return_exceptions=True)
        return begun

    async def _look_round(self) -> bool:
        if self._leases and monotonic() >= self._next_renewal:
            self._next_renewal = monotonic() + RENEW_S
            async with transaction(self._pool) as tx:
                await channels.renew(tx, list(self._leases.values()), LEASE)
        return await self._begin()

    async def _begin(self) -> bool:
        now, places = self._clock.now(), AT_ONCE - len(self._running)
        if heard := self._deliveries.take():
            async with transaction(self._pool) as tx:
                await channels.heard(tx, heard)
        if by_app := self._deliveries.take_by_app():
            async with transaction(self._pool) as tx:
                await app_heard.heard(tx, by_app)
        async with transaction(self._pool) as tx:
            await self._want(tx)
            # Without a public address there is nothing that a vendor could be told.
            takes = bool(places and self._public_url)
            due = await channels.lease(tx, now, most=places, within=LEASE, busy=self._running) if takes else []
        for audit in due:
            self._start(audit)
        return bool(due)

    async def _want(self, tx: DbConnection) -> None:
        configuration = await self._configuration.read(tx)
        if configuration.revision == self._revision:
            return
        if self._revision is None and self._public_url:
            await channels.moved(tx, self._public_url.rstrip("/"), self._clock.now())
        await channels.want(tx, heard_by(configuration), self._clock.now())
        self._revision = configuration.revision

    def _start(self, due: DueAudit) -> None:
        self._running[due.connection] = asyncio.create_task(self._audit.run(due), name=f"channel:{due.connection}")
        self._leases[due.connection] = due.token
        self._running[due.connection].add_done_callback(partial(self._ended, due.connection))

    def _ended(self, connection: ConnectionId, audit: asyncio.Task[None]) -> None:
        """Whatever went wrong in it, the others go on; it is audited again when its lease is over."""
        del self._running[connection], self._leases[connection]
        error = None if audit.cancelled() else audit.exception()
        if error is not None:
            _log.error("channels.audit_failed", task=audit.get_name(), reason=str(error), exc_info=error)
