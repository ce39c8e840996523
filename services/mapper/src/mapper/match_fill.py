"""Before anybody of a leg with rules is judged, both its sides have been read whole and gone through: what each record tells is known.

Both first lists are complete once all whom they told of have been merged (`common/state/feeding.py`). Then the records that were there before
the rules are gone through, once for each version of the leg's mappings, in pages that are locked like a batch's. What comes meanwhile
is told by its batch. Each page's place is saved in its own transaction. After the last, whoever has no counterpart is judged.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator

from common.clock import Clock
from common.contracts.ids import ConnectionId, Entity, SyncId
from common.contracts.matching import matching_legs, read_first, versions_of
from common.contracts.syncs import Leg, Sync
from common.pairs.merging import SIDES
from common.state import feeding, match_values
from common.state.configuration import Configuration, ConfigurationReader
from common.state.match_values import FillJob
from common.state.pool import DbConnection, Pool, transaction
from mapper import match_index, state_rows
from mapper.mappings import Mappings
from mapper.two_ways import ways_of
from vendors.feeding import listed
from vendors.registry import vendor_named

PAGE = 500
TakeApart = Callable[[Leg], Awaitable[None]]
"""Makes records of their own of those that stored records have told inside; the same again changes nothing."""


class MatchFill:
    """Goes through both sides of legs whose rules are new."""

    def __init__(
        self, pool: Pool, clock: Clock, configuration: ConfigurationReader, mappings: Mappings, take_apart: TakeApart
    ) -> None:
        self._take_apart = take_apart
        self._apart = set[tuple[SyncId, Entity, int]]()
        self._pool = pool
        self._clock = clock
        self._configuration = configuration
        self._mappings = mappings

    async def step(self) -> bool:
        """One page, or the end of a leg; False when there is nothing to do."""
        async with transaction(self._pool) as tx:
            configuration = await self._configuration.read(tx)
            unready = await unready_pairs(tx, configuration)
            read = await feeding.ready(tx, {one.source for both in unready for one in both}) if unready else frozenset()
        for forward, back in unready:
            sync = configuration.syncs[forward.sync]
            if not match_index.first_lists(configuration, sync, forward, back) <= read:
                continue
            inside = _inside(configuration, sync, forward, back)
            for leg in inside:
                await self._once_apart(leg)
            if await self._reads_open(configuration, inside):
                continue
            jobs = list(_jobs(configuration, forward, back))
            if await self._page(jobs) or await self._end(configuration, forward, back, jobs):
                return True
        return False

    async def _once_apart(self, leg: Leg) -> None:
        """Once in this process: what comes later is told by its batch."""
        assert leg.mapping is not None, "it has to be read first"
        its = (leg.sync, leg.name, leg.mapping.version)
        if its not in self._apart:
            await self._take_apart(leg)
            self._apart.add(its)

    async def _reads_open(self, configuration: Configuration, legs: Iterable[Leg]) -> bool:
        """Records that are told inside others are known once all of those were read, one by one."""
        lists = [listed(vendor_named(configuration.connections[leg.source].vendor), leg) for leg in legs]
        if not lists:
            return False
        async with transaction(self._pool) as tx:
            return bool(await tx.fetchval(_OPEN, [one[0] for one in lists], [one[1] for one in lists]))

    async def _page(self, jobs: list[FillJob]) -> bool:
        """False when all of them are through, or another process has them."""
        for job in jobs:
            async with transaction(self._pool) as tx:
                if await match_values.fill_at(tx, job) is None:
                    # As for a remap: a record that is just being born is seen here, or its batch reads the new rules (R9).
                    await state_rows.judged_so_far(tx, job.connection)
                    await match_values.fill_to(tx, job, "", None)
            async with transaction(self._pool) as tx:
                if await self._go_on(tx, job):
                    return True
        return False

    async def _go_on(self, tx: DbConnection, job: FillJob) -> bool:
        if not await tx.fetchval(
            "select pg_try_advisory_xact_lock(hashtextextended('fill:' || $1 || ':' || $2, 0))", job.sync, job.leg
        ):
            return False
        cursor, over = await match_values.fill_at(tx, job) or ("", False)
        if over:
            return False
        states = await state_rows.lock_page(tx, job.connection, job.entity, cursor, PAGE)
        configuration = await self._configuration.read(tx)
        await match_index.fill(
            tx, configuration, self._mappings, {key: one for key, one in states.items() if not one.redacted}
        )
        last = max(states).record if states else cursor
        await match_values.fill_to(tx, job, last, self._clock.now() if len(states) < PAGE else None)
        return True

    async def _end(self, configuration: Configuration, forward: Leg, back: Leg, jobs: list[FillJob]) -> bool:
        async with transaction(self._pool) as tx:
            through = [await match_values.fill_at(tx, job) for job in jobs]
            if not all(at is not None and at[1] for at in through):
                return False
            for connection in sorted({forward.source, back.source}):
                # Whoever was left alone because nobody was ready has stored that before.
                await state_rows.judged_so_far(tx, connection)
            await match_values.now_ready(tx, forward.sync, forward.name, versions_of(forward, back), self._clock.now())
            ways = ways_of(configuration, self._mappings, forward)
            for side, leg in zip(SIDES, (forward, back), strict=True):
                if ways is not None and await tx.fetchval(
                    _REMAPPED, leg.sync, leg.name, leg.mapping.version if leg.mapping else 0
                ):
                    own, there = (ways.ends[one] for one in (side, "right" if side == "left" else "left"))
                    await match_values.again_alone(tx, forward.sync, forward.name, side, own, there)
        return True


async def unready_pairs(tx: DbConnection, configuration: Configuration) -> list[tuple[Leg, Leg]]:
    """Legs with rules, each with its way back, of which a side has not been read or gone through; no statement where no leg has rules."""
    legs = [both for sync in configuration.syncs.values() if sync.judges for both in matching_legs(sync)]
    if not legs:
        return []
    ready = await match_values.ready(tx, {forward.sync for forward, _ in legs})
    return [
        (forward, back)
        for forward, back in legs
        if (its := ready.get((forward.sync, forward.name))) is None or its.versions != versions_of(forward, back)
    ]


def _inside(configuration: Configuration, sync: Sync, forward: Leg, back: Leg) -> list[Leg]:
    """Of the legs that have to be read first, those whose records are told inside others."""
    connections = configuration.connections
    return [
        leg
        for leg in read_first(sync, forward, back)
        if leg.source in connections and leg.source_entity in vendor_named(connections[leg.source].vendor).inner
    ]


def _jobs(configuration: Configuration, forward: Leg, back: Leg) -> Iterator[FillJob]:
    kinds: dict[tuple[ConnectionId, Entity], None] = dict.fromkeys(
        (leg.source, leg.source_entity) for leg in read_first(configuration.syncs[forward.sync], forward, back)
    )
    for connection, entity in kinds:
        yield FillJob(forward.sync, forward.name, versions_of(forward, back), connection, entity)


_OPEN = """
select exists (select from flow.read_request q join unnest($1::text[], $2::text[]) as k(connection, entity) using (connection, entity)
                where q.reason = 'uncovered' and q.lane = 'backfill')
"""
_REMAPPED = "select exists (select from flow.remap where (sync, leg, mapping_version) = ($1, $2, $3) and finished_at is not null)"
