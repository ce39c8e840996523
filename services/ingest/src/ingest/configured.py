"""The ids of all connections, read every few seconds: their secrets are asked for at once, whatever flood of strangers' ids comes."""

from __future__ import annotations

from common.contracts.ids import ConnectionId
from common.state.configuration import ConfigurationReader
from common.state.pool import Pool, transaction

EVERY_S = 5.0


class ConfiguredIds:
    """What was last read stays while the database is away."""

    def __init__(self, pool: Pool, configuration: ConfigurationReader) -> None:
        self._pool = pool
        self._configuration = configuration
        self._ids: frozenset[ConnectionId] = frozenset()

    def __contains__(self, connection: object) -> bool:
        return connection in self._ids

    async def read(self) -> None:
        """Reads them once."""
        async with transaction(self._pool) as tx:
            configuration = await self._configuration.read(tx)
        self._ids = frozenset(configuration.connections)
