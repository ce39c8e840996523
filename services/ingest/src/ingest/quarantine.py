"""Webhooks that nobody believed, kept up to a bound: a wrong secret is repaired by a person, who then wants to see what came."""

from __future__ import annotations

from datetime import datetime

from common.state.pool import Pool, transaction
from common.state.storable import storable_text
from vendors.vendor import HookRequest

KEPT_BYTES = 64 * 1024
KEPT_PER_CONNECTION = 200
# What the column takes.
_LARGEST = 2**31 - 1


class Quarantine:
    """The newest unverified webhooks of each connection."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def keep(
        self, connection: str, vendor: str, request: HookRequest, reason: str, now: datetime, size: int
    ) -> None:
        """Keeps the first of the bytes, `size` is how many came; the oldest of the connection make room, so that a flood fills nothing but itself."""
        async with transaction(self._pool) as tx:
            await tx.execute(
                """
                insert into flow.quarantine (connection, vendor, received_at, reason, query, headers, body, size)
                values ($1, $2, $3, $4, $5, $6, $7, $8)
                """,
                connection, vendor, now, reason, storable_text(request.query), dict(request.headers),
                request.body[:KEPT_BYTES], min(size, _LARGEST),
            )  # fmt: skip
            await tx.execute(
                """
                delete from flow.quarantine where connection = $1 and id <
                    (select id from flow.quarantine where connection = $1 order by id desc offset $2 limit 1)
                """,
                connection,
                KEPT_PER_CONNECTION - 1,
            )
