"""A sync's history: one row for each mapping version that judged what was stored, and one for each day of live changes.

Its books close: Total = Added + Updated + Unchanged + Skipped + Failed + Superseded + Waiting. Total is counted from what was read,
the others from how each record ended, so a record that was lost in between makes a row that does not close.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import asyncpg

from common.clock import Clock
from common.state import pool as state
from console.state import history as rows
from console.state import syncs
from console.state.history import OUTCOMES, Tally
from console.state.syncs import SyncRow
from console.use_cases.syncs import Syncs

DAYS = timedelta(days=90)
# Somebody waits for the answer: where ninety days take too long, fewer are told, and it is said since when.
WINDOWS = (DAYS, timedelta(days=14), timedelta(days=2))
PATIENCE = timedelta(seconds=4)
_NOTHING = Tally({}, None, None)


@dataclass(frozen=True, slots=True)
class Run:
    """One row of a history."""

    kind: str
    run: str
    by: str
    started_at: datetime
    finished_at: datetime | None
    total: int
    counts: Mapping[str, int]

    @property
    def closes(self) -> bool:
        """Whether every record that was read is in one of the counts."""
        return self.total == sum(self.counts[name] for name in OUTCOMES)


@dataclass(frozen=True, slots=True)
class Told:
    """The newest runs, and since when every one is told."""

    runs: Sequence[Run]
    since: datetime


class History:
    """Tells runs."""

    def __init__(self, pool: state.Pool, syncs: Syncs, clock: Clock) -> None:
        self._pool = pool
        self._syncs = syncs
        self._clock = clock

    async def of(self, name: str, limit: int) -> Told:
        """The newest runs of the last ninety days, or of as many as can be told in time."""
        sync = await self._syncs.row(name)
        for window in WINDOWS:
            try:
                return await self._within(sync, window, limit)
            except asyncpg.QueryCanceledError:
                if window == WINDOWS[-1]:
                    raise
        raise AssertionError("the last window answers or raises")

    async def _within(self, sync: SyncRow, window: timedelta, limit: int) -> Told:
        now = self._clock.now()
        since = sync.created_at
        if since < now - window:
            # A day is told as a whole or not at all.
            since = (now - window).replace(hour=0, minute=0, second=0, microsecond=0)
        async with state.transaction(self._pool) as link:
            if window != WINDOWS[-1]:
                await rows.give_up_after(link, PATIENCE)
            tallies = await rows.outcomes(link, sync.id, since, now)
            days = await rows.read_on(link, sync.id, since)
            remaps = [one for one in await rows.remaps(link, sync.id, limit) if one.started_at >= since]
            versions = {one.version: one for one in await syncs.versions(link, sync.id)}
        found = [_of_day(day, *read, tallies.get(("live", day.isoformat()), _NOTHING)) for day, read in days.items()]
        found += [
            _of_version(one, versions[one.version].created_by, tallies.get(("mapping", str(one.version)), _NOTHING))
            for one in remaps
        ]
        return Told(sorted(found, key=lambda run: run.started_at, reverse=True)[:limit], since)


def _of_day(day: date, total: int, quiet: int, tally: Tally) -> Run:
    began = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return Run("live", day.isoformat(), "webhook", tally.first or began, tally.last, total, _counts(tally, quiet))


def _of_version(job: rows.Remapped, by: str, tally: Tally) -> Run:
    raised = sum(tally.counts.values())
    counts = _counts(tally, max(0, job.seen - raised))
    return Run("mapping", f"v{job.version}", by, job.started_at, job.finished_at, max(job.seen, raised), counts)


def _counts(tally: Tally, quiet: int) -> dict[str, int]:
    counts = {name: tally.counts.get(name, 0) for name in (*OUTCOMES, "unaccounted")}
    counts["unchanged"] += quiet
    return counts
