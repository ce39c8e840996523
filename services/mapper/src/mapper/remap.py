"""A new version of a leg's mapping judges every stored record of that leg again: in pages, behind live work, exactly once per version.

The page's records are locked like a batch's, so a live change and this job take turns. A record that is being born has no row that could
be locked or seen: before the first page the job waits for every batch that may have read an older version, and a batch that begins later
reads this one (R9). The cursor is saved in the page's own transaction, so a crash repeats at most nothing. Only wishes that differ get a
new revision: what the new version does not change is not written. Where it reads what no listing has told of a record, the record's detail
is asked for. A version that names facts waits until what they are made of was read.
"""

from __future__ import annotations

from dataclasses import dataclass

from common import failpoints
from common.clock import Clock
from common.contracts.ids import Entity, RunId, SyncId
from common.contracts.messages import Lane
from common.contracts.syncs import Leg, Sync
from common.journal import write
from common.state import read_requests, runs
from common.state.configuration import ConfigurationReader
from common.state.pool import DbConnection, Pool, transaction
from common.state.runs import Run, version_run
from mapper import coverage, parts, state_rows
from mapper.entering import enter_page
from mapper.judging import judge
from mapper.legs_facts import unready_legs
from mapper.mappings import Mappings, target_of
from mapper.match_fill import MatchFill, unready_pairs
from mapper.pairing import Pairing
from mapper.publisher import Publisher
from mapper.state_rows import Key
from mapper.wanted_rows import Cause
from vendors.registry import vendor_named
from vendors.vendor import Vendor

PAGE = 500
EVERY_S = 1.0
# New versions are heard of.
CALM_S = 10.0


@dataclass(frozen=True, slots=True)
class RemapPage:
    """One page's end: the records it held, and whether the job is done."""

    keys: list[Key]
    done: bool


class Remapper:
    """Goes through the stored records of every leg whose active version has not judged them yet."""

    def __init__(
        self, pool: Pool, clock: Clock, configuration: ConfigurationReader, mappings: Mappings, publisher: Publisher
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._configuration = configuration
        self._mappings = mappings
        self._publisher = publisher
        self._fill = MatchFill(pool, clock, configuration, mappings, self._take_apart)

    async def step(self) -> bool:
        """Judges one page of one leg; False when there is nothing to do. What records are matched by is gone through before (`match_fill.py`)."""
        if await self._fill.step():
            return True
        for leg in await self._due():
            await self._begin(leg)
            page = await self._page(leg.sync, leg.name)
            if page is not None:
                await failpoints.hit("mapper.after_remap_page")
                await self._publisher.publish(page.keys)
                return True
        return False

    async def _due(self) -> list[Leg]:
        async with transaction(self._pool) as tx:
            configuration = await self._configuration.read(tx)
            finished = await tx.fetch("select sync, leg, mapping_version from flow.remap where finished_at is not null")
            unmatched = [leg for both in await unready_pairs(tx, configuration) for leg in both]
            held = await unready_legs(tx, configuration) | {(leg.sync, leg.name) for leg in unmatched}
        done = {tuple(row) for row in finished}
        return [
            leg
            for leg in configuration.legs()
            if leg.mapping
            and configuration.syncs[leg.sync].judges
            and (leg.sync, leg.name, leg.mapping.version) not in done
            and (leg.sync, leg.name) not in held
        ]

    async def _begin(self, leg: Leg) -> None:
        """Once for each version, before its first page; in a transaction that holds nothing else, so that nobody waits crosswise."""
        async with transaction(self._pool) as tx:
            if await tx.fetchval(_BEGUN, *_job(leg)):
                return
            await state_rows.judged_so_far(tx, leg.source)
        await self._take_apart(leg)
        async with transaction(self._pool) as tx:
            await tx.execute(_BEGIN, *_job(leg), self._clock.now())
            sync = (await self._configuration.read(tx)).syncs[leg.sync]
            await runs.begin(tx, [_run(sync, leg)], self._clock.now())

    async def _take_apart(self, leg: Leg) -> None:
        """Where the leg's records are told inside others, those others may have told of them before anybody wanted to know. Cut short, it
        begins again: what was done is found to be so."""
        assert leg.mapping is not None
        vendor, after, job = await self._vendor_of(leg), "", f"v{leg.mapping.version}"
        while vendor is not None and leg.source_entity in vendor.inner:
            async with transaction(self._pool) as tx:
                now = self._clock.now()
                after, asks = await parts.take_apart(
                    tx, vendor.name, leg.source, leg.source_entity, after, PAGE, job, now
                )
                if asks:
                    await read_requests.ask(tx, asks, now)
            if not after:
                return

    async def _vendor_of(self, leg: Leg) -> Vendor | None:
        async with transaction(self._pool) as tx:
            known = (await self._configuration.read(tx)).connections.get(leg.source)
        return vendor_named(known.vendor) if known is not None else None

    async def _page(self, sync: SyncId, name: Entity) -> RemapPage | None:
        """None when another process has the job, or the version moved on."""
        async with transaction(self._pool) as tx:
            if not await tx.fetchval(_MINE, sync, name):
                return None
            configuration = await self._configuration.read(tx)
            leg = configuration.leg(sync, name)
            target = target_of(configuration, leg) if leg is not None else None
            if leg is None or (target is not None and self._mappings.of(leg, target) is None):
                return None
            return await self._judge_page(tx, leg)

    async def _judge_page(self, tx: DbConnection, leg: Leg) -> RemapPage | None:
        now = self._clock.now()
        job = await tx.fetchrow(_AT, *_job(leg))
        # No row: the version moved on since somebody looked, and the newer one has not begun.
        if job is None or job["finished_at"] is not None:
            return None
        states = await state_rows.lock_page(tx, leg.source, leg.source_entity, job["cursor"], PAGE)
        configuration = await self._configuration.read(tx)  # R9: after the locks
        run = _run(configuration.syncs[leg.sync], leg)
        reading = RunId(f"v{run.mapping_version}")
        causes = {key: Cause(now, Lane.BACKFILL, run=reading) for key in states}
        pages = {key: (state, Lane.BACKFILL, reading) for key, state in states.items()}
        asks = coverage.asks(configuration, self._mappings, pages, now, only=leg)
        if asks:
            await read_requests.ask(tx, asks, now)
        pairing = await Pairing.of(tx, configuration, self._mappings, states, now)
        pairing.recall(states)
        judged = await judge(tx, configuration, self._mappings, states, causes, now, pairing=pairing, only=leg)
        await enter_page(tx, judged.all, run, now)
        await write(tx, judged.entries)
        last = max(states).record if states else job["cursor"]
        await tx.execute(_GO_ON, *_job(leg), last, len(states), len(judged.raised), len(states) < PAGE, now)
        if len(states) < PAGE and not await tx.fetchval(_OTHERS, leg.sync, run.mapping_version):
            await runs.close(tx, run.id, now)
        return RemapPage([raised.key for raised in judged.raised], len(states) < PAGE)


def _job(leg: Leg) -> tuple[SyncId, Entity, int]:
    assert leg.mapping is not None
    return leg.sync, leg.name, leg.mapping.version


def _run(sync: Sync, leg: Leg) -> Run:
    """The console began it with the version, where a person asked for one; elsewhere it begins here."""
    assert leg.mapping is not None
    version = leg.mapping.version
    return Run(version_run(sync.name, version), sync.id, "first" if version == 1 else "remap", "", version)


_MINE = "select pg_try_advisory_xact_lock(hashtextextended('remap:' || $1 || ':' || $2, 0))"
_BEGUN = "select true from flow.remap where (sync, leg, mapping_version) = ($1, $2, $3)"
_AT = "select cursor, finished_at from flow.remap where (sync, leg, mapping_version) = ($1, $2, $3)"
# Legs that the same version changed count in the same run.
_OTHERS = """
select exists (select from core.leg l where l.sync = $1 and l.mapping_version = $2 and not exists (
    select from flow.remap r where (r.sync, r.leg, r.mapping_version) = (l.sync, l.name, $2) and r.finished_at is not null))
"""
_BEGIN = """
insert into flow.remap (sync, leg, mapping_version, started_at) values ($1, $2, $3, $4) on conflict (sync, leg, mapping_version) do nothing
"""
_GO_ON = """
update flow.remap set cursor = $4, seen = seen + $5, changed = changed + $6,
       finished_at = case when $7 then $8::timestamptz end where (sync, leg, mapping_version) = ($1, $2, $3)
"""
