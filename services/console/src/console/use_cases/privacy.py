"""What persons ask for, as the merchant sees it: listed, exported, and marked as answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from common.api.refusal import Refusal
from common.clock import Clock
from common.state import pool as state
from console import privacy_codes
from console.state import privacy as rows
from console.state.privacy import PrivacyRequestRow


class PrivacyRequests:
    """Reads requests; what is kept of a person is looked up at the moment it is asked for."""

    def __init__(self, pool: state.Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def page(
        self, after: tuple[datetime, str] | None, limit: int
    ) -> tuple[Sequence[PrivacyRequestRow], tuple[str, str] | None]:
        """The newest first, and where the next ones begin."""
        async with state.connection(self._pool) as link:
            found = await rows.page(link, after, limit + 1)
        shown = found[:limit]
        return shown, (shown[-1].received_at.isoformat(), shown[-1].id) if len(found) > limit else None

    async def export(self, id: str) -> tuple[PrivacyRequestRow, Sequence[Any]]:
        """The request, and every record that it means."""
        async with state.transaction(self._pool) as tx:
            return await self._asked(tx, id), await rows.kept(tx, id)

    async def done(self, id: str, who: str) -> PrivacyRequestRow:
        """The person has its answer; said twice it is said once."""
        async with state.transaction(self._pool) as tx:
            await self._asked(tx, id)
            await rows.close(tx, id, who, self._clock.now())
            return await self._asked(tx, id)

    async def _asked(self, tx: state.DbConnection, id: str) -> PrivacyRequestRow:
        found = await rows.of(tx, id)
        if found is None:
            raise Refusal(404, privacy_codes.PRIVACY_REQUEST_UNKNOWN)
        if found.kind != "export":
            raise Refusal(409, privacy_codes.PRIVACY_REQUEST_IS_A_JOB)
        return found
