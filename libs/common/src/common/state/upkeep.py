"""Takes old rows away, every night: in small transactions with pauses in between, by one replica at a time, until nothing old is left.

Each chunk is a transaction of its own with the lease in it: a crash loses nothing but the lease, and whoever comes next goes on. A
service that was off for weeks begins as soon as it is back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from structlog.typing import FilteringBoundLogger

from common import failpoints
from common.clock import Clock, monotonic
from common.loops import until_set
from common.metric_register import UPKEEP_ENDED, UPKEEP_REMOVED
from common.metrics import Metrics
from common.retention import Retention
from common.state.pool import DbConnection, Pool, connection, transaction
from common.state.retention import KEEPERS, Keeper, Service
from common.state.trouble import DATABASE_ERRORS, DatabaseTrouble, trouble_of

# The hour at which a night's run is due, by UTC.
HOUR = 3
LOOK_EVERY_S = 60.0
CHUNK = 1000
# Others have the disk for at least as long as a chunk took.
PAUSE_S = 0.05
LEASE = timedelta(seconds=60)
_TELL_EVERY = 100_000


@dataclass(frozen=True, slots=True)
class LastRun:
    """What became of a table's last run, for people."""

    table: str
    began_at: datetime | None
    ended_at: datetime | None
    removed: int
    running: bool
    message: str


class Upkeep:
    """The keepers of one service; every replica runs them, the lease decides which one works."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        retention: Retention,
        metrics: Metrics,
        log: FilteringBoundLogger,
        *,
        by: Service,
        chunk: int = CHUNK,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._retention = retention
        self._metrics = metrics
        self._log = log
        self._keepers = [keeper for keeper in KEEPERS if keeper.by == by]
        self._chunk = chunk

    async def look(self, stopping: asyncio.Event) -> None:
        """Tidies each table that was not tidied since the last night."""
        for keeper in self._keepers:
            token = await self._claim(keeper)
            if token is None:
                continue
            try:
                await self._tidy(keeper, token, stopping)
            except DATABASE_ERRORS as error:
                if trouble_of(error) is not DatabaseTrouble.OURS:
                    raise
                # The other tables must not grow because of this one.
                await self._broke(keeper, token, error)

    async def _claim(self, keeper: Keeper) -> UUID | None:
        now, token = self._clock.now(), uuid4()
        async with transaction(self._pool) as tx:
            await tx.execute("insert into flow.upkeep (job) values ($1) on conflict do nothing", keeper.table)
            mine = await tx.fetchval(_CLAIM, keeper.table, token, LEASE, now, _last_night(now))
        return token if mine else None

    async def _tidy(self, keeper: Keeper, token: UUID, stopping: asyncio.Event) -> None:
        before = self._clock.now() - timedelta(days=keeper.days(self._retention))
        began, removed = monotonic(), 0
        while not stopping.is_set():
            chunk_began = monotonic()
            gone = await self._step(keeper, token, before)
            if gone is None:
                return
            if not gone:
                await self._end(keeper, token, removed, monotonic() - began)
                return
            self._told(keeper, removed, removed := removed + gone)
            await failpoints.hit("upkeep.after_chunk")
            await until_set(stopping, within=max(PAUSE_S, monotonic() - chunk_began))
        await self._release(keeper, token)

    async def _step(self, keeper: Keeper, token: UUID, before: datetime) -> int | None:
        """How many rows went; None when the lease is somebody else's by now."""
        async with transaction(self._pool) as tx:
            if not await tx.fetchval(_STILL_MINE, keeper.table, token, LEASE):
                return None
            gone = int(await tx.fetchval(keeper.statement, before, self._chunk))
            await tx.execute("update flow.upkeep set removed = removed + $2 where job = $1", keeper.table, gone)
        return gone

    def _told(self, keeper: Keeper, before: int, after: int) -> None:
        self._metrics.count(UPKEEP_REMOVED, after - before, table=keeper.table)
        if before // _TELL_EVERY != after // _TELL_EVERY:
            self._log.info("upkeep.goes_on", table=keeper.table, removed=after)

    async def _end(self, keeper: Keeper, token: UUID, removed: int, took_s: float) -> None:
        now = self._clock.now()
        async with transaction(self._pool) as tx:
            await tx.execute(_END, keeper.table, token, now, "")
        self._metrics.set(UPKEEP_ENDED, now.timestamp(), table=keeper.table)
        self._log.info("upkeep.done", table=keeper.table, removed=removed, took_s=round(took_s, 3))

    async def _broke(self, keeper: Keeper, token: UUID, error: BaseException) -> None:
        self._log.error("upkeep.broke", table=keeper.table, exc_info=error)
        async with transaction(self._pool) as tx:
            await tx.execute(_END, keeper.table, token, self._clock.now(), f"{type(error).__name__}: {error}"[:500])

    async def _release(self, keeper: Keeper, token: UUID) -> None:
        """The service stops: the next one goes on at once."""
        async with transaction(self._pool) as tx:
            await tx.execute(
                "update flow.upkeep set token = null, lease_until = null where job = $1 and token = $2",
                keeper.table,
                token,
            )


async def last_runs(pool: Pool) -> Sequence[LastRun]:
    """The last run of every table that has a keeper here."""
    async with connection(pool) as link:
        return await _runs(link)


async def _runs(link: DbConnection) -> Sequence[LastRun]:
    rows = await link.fetch(
        """select job, began_at, ended_at, removed, coalesce(lease_until > clock_timestamp(), false) as running, message
             from flow.upkeep order by job"""
    )
    return [LastRun(*tuple(row)) for row in rows]


def _last_night(now: datetime) -> datetime:
    tonight = now.replace(hour=HOUR, minute=0, second=0, microsecond=0)
    return tonight if tonight <= now else tonight - timedelta(days=1)


# A run that never ended was broken off: it goes on as soon as its lease is over.
_CLAIM = """
update flow.upkeep set token = $2, lease_until = clock_timestamp() + $3, began_at = $4, ended_at = null, removed = 0, message = ''
 where job = $1 and (lease_until is null or lease_until < clock_timestamp())
   and (began_at is null or ended_at is null or began_at < $5)
returning true
"""

_STILL_MINE = """
update flow.upkeep set lease_until = clock_timestamp() + $3 where job = $1 and token = $2 returning true
"""

_END = """
update flow.upkeep set token = null, lease_until = null, ended_at = $3, message = $4 where job = $1 and token = $2
"""
