"""The ids of all connections, read every few seconds: their secrets are asked for at once, whatever flood of strangers' ids comes."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from common.contracts.ids import ConnectionId
from common.state.configuration import ConfigurationReader
from common.state.pool import Pool, transaction
from common.state.trouble import DatabaseTrouble, trouble_of

EVERY_S = 5.0

_log = structlog.get_logger(__name__)


class ConfiguredIds:
    """What was last read stays while the database is away."""

    def __init__(self, pool: Pool, configuration: ConfigurationReader) -> None:
        self._pool = pool
        self._configuration = configuration
        self._ids: frozenset[ConnectionId] = frozenset()

    def __contains__(self, connection: object) -> bool:
        return connection in self._ids

    async def run(self, stopping: asyncio.Event) -> None:
        """Reads until the service stops."""
        while not stopping.is_set():
            try:
                await self.read()
            except Exception as error:
                if trouble_of(error) is not DatabaseTrouble.AWAY:
                    raise
                _log.warning("configured.later", reason=type(error).__name__)
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), EVERY_S)

    async def read(self) -> None:
        async with transaction(self._pool) as tx:
            configuration = await self._configuration.read(tx)
        self._ids = frozenset(configuration.connections)
