"""Writes down every read of a credential: who, which connection, when, in which trace.

Reads are answered from memory within a millisecond, so their lines are collected and copied to the database once a second and at
a clean stop. What a killed process answered in its last second is not in the log; a database that is away loses nothing until so
many lines wait that no more reads are answered.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any

from common.api.refusal import Refusal
from common.state import pool as state
from token_broker import codes

FLUSH_EVERY_S = 1.0
MOST_WAITING = 100_000
_AT_ONCE = 5_000
_PAUSE_S = 0.05


@dataclass(frozen=True, slots=True)
class Read:
    """One line."""

    at: datetime
    caller: str
    connection: str
    vendor: str
    what: str
    generation: int | None
    outcome: str
    trace_id: str


_COLUMNS = list(Read.__dataclass_fields__)


class AccessLog:
    """The lines that wait, and the task that writes them."""

    def __init__(self, pool: state.Pool) -> None:
        self._pool = pool
        self._waiting: deque[Read] = deque()
        self._writing = asyncio.Lock()

    def add(self, read: Read) -> None:
        """Takes a line; raises a Refusal when nothing can be written down any more."""
        if len(self._waiting) >= MOST_WAITING:
            raise Refusal(503, codes.ACCESS_LOG_FULL, retry_after_s=5)
        self._waiting.append(read)

    async def flush(self) -> None:
        """Writes what waits now; what could not be written goes on waiting."""
        async with self._writing:
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]
                try:
                    await self._copy(batch)
                except BaseException:
                    self._waiting.extendleft(reversed(batch))
                    raise

    async def recent(self, connection: str, limit: int) -> Sequence[dict[str, Any]]:
        """The newest lines of a connection, those that still wait included."""
        await self.flush()
        async with state.connection(self._pool) as link:
            rows = await link.fetch(
                f"select {', '.join(_COLUMNS)} from vault.access_log where connection = $1 order by id desc limit $2",  # noqa: S608
                connection,
                limit,
            )
        return [dict(row) for row in rows]

    async def forget(self, before: datetime) -> None:
        """Drops lines older than the retention of the audit, a few at a time: after weeks off there may be millions."""
        for table in ("vault.access_log", "vault.token_call"):
            left = True
            while left:
                left = await self._forget_some(table, before) == _AT_ONCE
                await asyncio.sleep(_PAUSE_S if left else 0)

    async def _forget_some(self, table: str, before: datetime) -> int:
        async with state.connection(self._pool) as link:
            done: str = await link.execute(
                f"delete from {table} where id = any(array(select id from {table} where at < $1 order by at limit $2))",  # noqa: S608
                before,
                _AT_ONCE,
            )
        return int(done.rpartition(" ")[2])

    async def _copy(self, batch: Sequence[Read]) -> None:
        async with state.connection(self._pool) as link:
            await link.copy_records_to_table(
                "access_log", schema_name="vault", columns=_COLUMNS, records=[astuple(read) for read in batch]
            )
