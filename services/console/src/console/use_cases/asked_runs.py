"""A run that a person asks for: the sources of a sync are read now, what has changed or everything, as one job.

The run is a row from this moment, so that whoever asked can watch it; the poller takes the job up within a second, or when the reading
that is under way has ended.
"""

from __future__ import annotations

from common.api.refusal import Refusal
from common.clock import Clock
from common.contracts.ids import RunId, SyncId
from common.contracts.syncs import Leg
from common.state import feeding, polls, run_ends, runs
from common.state import pool as state
from common.state.polls import Polled
from common.state.runs import Run
from console import sync_codes
from console.state import syncs as rows
from console.state.syncs import SyncRow
from console.use_cases.runs import Runs, ShownRun
from console.use_cases.syncs import not_now, unknown_sync
from vendors.feeding import feeders, is_listed, listed
from vendors.registry import vendor_named
from vendors.vendor import Source


class AskedRuns:
    """Begins runs."""

    def __init__(self, pool: state.Pool, runs: Runs, clock: Clock) -> None:
        self._pool = pool
        self._runs = runs
        self._clock = clock

    async def begin(self, name: str, by: str, *, full: bool) -> ShownRun:
        """The run as it begins."""
        async with state.transaction(self._pool) as tx:
            run = await self._begin(tx, name, by, full=full)
        return await self._runs.show(run)

    async def _begin(self, tx: state.DbConnection, name: str, by: str, *, full: bool) -> RunId:
        sync = await rows.named(tx, name, lock=True)
        if sync is None:
            raise unknown_sync(name)
        if sync.state not in ("active", "paused"):
            raise not_now(sync, "it reads nothing")
        legs = [leg for leg in sync.legs if is_listed(_vendor_source(sync, leg), leg.source_entity)]
        now, sources = self._clock.now(), sorted({_source(sync, leg) for leg in legs})
        kind = "backfill" if await polls.never_read(tx, sources, now) else "full" if full else "poll"
        job = f"{kind}.{await runs.next_number(tx)}"
        if not await polls.ask(tx, [*sources, *await _tellers(tx, sync)], job, by, now):
            raise Refusal(409, sync_codes.SYNC_RUN_PENDING, f"An earlier run of {sync.name} has not begun yet.")
        run = Run(RunId(f"{sync.name}.{job}"), SyncId(sync.id), kind, by)
        await runs.begin(tx, [run], now)
        await run_ends.will_read(tx, [run.id], sources)
        return run.id


def _source(sync: SyncRow, leg: Leg) -> Polled:
    vendor = sync.source_vendor if leg.source == sync.source else sync.target_vendor
    return Polled(*listed(vendor_named(vendor), leg))


def _vendor_source(sync: SyncRow, leg: Leg) -> Source | None:
    return vendor_named(sync.target_vendor if leg.direction == "back" else sync.source_vendor).source


async def _tellers(tx: state.DbConnection, sync: SyncRow) -> list[Polled]:
    """What the facts of the sync are made of is read too, as no part of the run; what was never read whole is being read anyway."""
    found = set()
    for leg in sync.legs:
        source = _vendor_source(sync, leg)
        found |= {Polled(*one) for one in feeders(source, leg)} if source is not None else set()
    return sorted(
        found & await feeding.ready(tx, {one.connection for one in found}) - {_source(sync, leg) for leg in sync.legs}
    )
