"""What a person says of records that a complete listing lacked, where these were too many to be read by id without asking.

R12: to read them decides nothing yet. Each is read by id, and only who is gone there is gone here. To keep them is an answer until the next
complete listing, which asks again if it lacks as many.
"""

from __future__ import annotations

from typing import Literal

from common.api.refusal import Refusal
from common.clock import Clock
from common.state import missing_records, read_requests
from common.state import pool as state
from common.state.read_requests import ReadRequest
from console import sync_codes
from console.state import syncs as rows
from console.use_cases.syncs import ShownSync, Syncs, unknown_sync
from console.use_cases.unread_sources import sources_read

MissingAnswer = Literal["read", "keep"]


class Missing:
    """Takes the answer."""

    def __init__(self, pool: state.Pool, syncs: Syncs, clock: Clock) -> None:
        self._pool = pool
        self._syncs = syncs
        self._clock = clock

    async def answer(self, name: str, given: MissingAnswer) -> ShownSync:
        """The sync as it is then."""
        async with state.transaction(self._pool) as tx:
            sync = await rows.named(tx, name)
            if sync is None:
                raise unknown_sync(name)
            sources = set(sources_read(sync))
            missing = await missing_records.take(tx, sources)
            if not missing:
                raise Refusal(409, sync_codes.SYNC_NOTHING_MISSING, f"Nobody asks about records of {sync.name}.")
            if given == "read":
                now = self._clock.now()
                asked = [ReadRequest(one.connection, one.entity, record, "missing", now) for one, record in missing]
                await read_requests.ask(tx, asked, now)
        return await self._syncs.show(name)
