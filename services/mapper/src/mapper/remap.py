"""A new mapping version judges every stored record again: in pages, behind live work, exactly once per version.

The page's records are locked like a batch's, so a live change and this job take turns. A record that is being born has no row that could
be locked or seen: before the first page the job waits for every batch that may have read an older version, and a batch that begins later
reads this one (R9). The cursor is saved in the page's own transaction, so a crash repeats at most nothing. Only wishes that differ get a
new revision: what the new version does not change is not written.
"""

from __future__ import annotations

from dataclasses import dataclass

from common import failpoints
from common.clock import Clock
from common.contracts.ids import SyncId
from common.contracts.messages import Lane
from common.contracts.syncs import Sync
from common.journal import write
from common.state.configuration import ConfigurationReader
from common.state.pool import DbConnection, Pool, transaction
from mapper import rows
from mapper.judging import Mappings, judge
from mapper.publisher import Publisher
from mapper.rows import Cause, Key

PAGE = 500
EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Page:
    """One page's end: the records it held, and whether the job is done."""

    keys: list[Key]
    done: bool


class Remapper:
    """Goes through the stored records of every sync whose active version has not judged them yet."""

    def __init__(
        self, pool: Pool, clock: Clock, configuration: ConfigurationReader, mappings: Mappings, publisher: Publisher
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._configuration = configuration
        self._mappings = mappings
        self._publisher = publisher

    async def step(self) -> bool:
        """Judges one page of one sync; False when there is nothing to do."""
        for sync in await self._due():
            await self._begin(sync)
            page = await self._page(sync.id)
            if page is not None:
                await failpoints.hit("mapper.after_remap_page")
                await self._publisher.publish(page.keys)
                return True
        return False

    async def _due(self) -> list[Sync]:
        async with transaction(self._pool) as tx:
            configuration = await self._configuration.read(tx)
            finished = await tx.fetch("select sync, mapping_version from flow.remap where finished_at is not null")
        done = {(row["sync"], row["mapping_version"]) for row in finished}
        return [
            sync
            for sync in configuration.syncs.values()
            if sync.mapping and sync.state in ("active", "paused") and (sync.id, sync.mapping.version) not in done
        ]

    async def _begin(self, sync: Sync) -> None:
        """Once for each version, before its first page; in a transaction that holds nothing else, so that nobody waits crosswise."""
        assert sync.mapping is not None
        job = (sync.id, sync.mapping.version)
        async with transaction(self._pool) as tx:
            if await tx.fetchval("select true from flow.remap where sync = $1 and mapping_version = $2", *job):
                return
            await rows.judged_so_far(tx, sync.source)
            await tx.execute(_BEGIN, *job, self._clock.now())

    async def _page(self, sync_id: SyncId) -> Page | None:
        """None when another process has the job, or the version moved on."""
        async with transaction(self._pool) as tx:
            if not await tx.fetchval("select pg_try_advisory_xact_lock(hashtextextended('remap:' || $1, 0))", sync_id):
                return None
            sync = (await self._configuration.read(tx)).syncs.get(sync_id)
            if sync is None or sync.mapping is None or self._mappings.of(sync) is None:
                return None
            return await self._judge_page(tx, sync, sync.mapping.version)

    async def _judge_page(self, tx: DbConnection, sync: Sync, version: int) -> Page | None:
        now = self._clock.now()
        job = await tx.fetchrow(
            "select cursor, finished_at from flow.remap where sync = $1 and mapping_version = $2", sync.id, version
        )
        # No row: the version moved on since somebody looked, and the newer one has not begun.
        if job is None or job["finished_at"] is not None:
            return None
        states = await rows.lock_page(tx, sync.source, sync.entity, job["cursor"], PAGE)
        configuration = await self._configuration.read(tx)  # R9: after the locks
        causes = {key: Cause(now, Lane.BACKFILL) for key in states}
        judged = await judge(tx, configuration, self._mappings, states, causes, now, only=sync.id)
        await write(tx, judged.entries)
        last = max(states).record if states else job["cursor"]
        await tx.execute(
            """
            update flow.remap set cursor = $3, seen = seen + $4, changed = changed + $5,
                   finished_at = case when $6 then $7::timestamptz end where sync = $1 and mapping_version = $2
            """,
            sync.id, version, last, len(states), len(judged.raised), len(states) < PAGE, now,
        )  # fmt: skip
        return Page([raised.key for raised in judged.raised], len(states) < PAGE)


_BEGIN = """
insert into flow.remap (sync, mapping_version, started_at) values ($1, $2, $3) on conflict (sync, mapping_version) do nothing
"""
