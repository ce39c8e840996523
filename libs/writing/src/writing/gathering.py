"""Rows of a run of many wait for one another, so that they fill the vendor's calls (decision 40).

In: changes of one place that may wait, too few to fill a call. Out: which of them go together whatever their number, and which go back to
the queue for a moment. Nothing is durable: a row that goes back is as it was.

A run knows how many it is of. While it is read, or more of it is on its way here, its rows wait as long as others join them; what is left
at its end goes with the others. A run of few, and a day's live changes, wait for nobody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from common.clock import Clock, monotonic
from common.contracts.ids import ConnectionId, RunId
from common.state import run_ends, runs
from common.state.pool import Pool, connection
from common.state.run_ends import Left
from vendors.acts import Act
from vendors.deferred import Deferred
from writing import intents
from writing.claimed import Claimed

# Rows that went back come again together.
MOMENT = timedelta(seconds=1)
# So long nobody has joined: whatever the ledger says, nobody comes.
PATIENCE_S = 5.0
Rows = Sequence[tuple[Claimed, Act]]
Where = tuple[ConnectionId, str]


class Gathered(NamedTuple):
    """What becomes of rows of one place."""

    together: Rows = ()
    back: Rows = ()
    alone: Rows = ()
    until: datetime | None = None
    """When those that went back come again."""


class Gathering:
    """Remembers how many have come together at each place."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock
        self._most: dict[Where, tuple[int, float]] = {}
        self._until: dict[Where, datetime] = {}

    async def sort(self, where: Where, its: Rows, deferred: Deferred) -> Gathered:
        """Rows that do not fill a call."""
        left, flying = await self._asked({RunId(row.item.run) for row, _ in its if runs.is_job(row.item.run)})
        # What is written once more of a run that has ended is nobody's change, and waits for nobody.
        large = {run for run, some in left.items() if some.records and some.records + some.updated >= deferred.least}
        gather, others = _parted(its, large | {run for run, some in left.items() if some.reading})
        if gather and self._waits(where, gather, left, flying):
            return _now(others, large, deferred)._replace(back=gather, until=self._next(where))
        self.forget(where)
        return _now(its, large, deferred)

    def forget(self, where: Where) -> None:
        """Its rows are on their way; whoever comes next gathers anew."""
        self._most.pop(where, None)
        self._until.pop(where, None)

    async def _asked(self, jobs: set[RunId]) -> tuple[Mapping[RunId, Left], Mapping[RunId, int]]:
        if not jobs:
            return {}, {}
        async with connection(self._pool) as link:
            return await run_ends.left(link, jobs), await intents.flying(link, jobs)

    def _waits(self, where: Where, rows: Rows, left: Mapping[RunId, Left], flying: Mapping[RunId, int]) -> bool:
        """As long as more are to come, and do come."""
        here = Counter(RunId(row.item.run) for row, _ in rows)
        if not any(left[run].reading or left[run].records > flying.get(run, 0) + n for run, n in here.items()):
            return False
        most, since = self._most.get(where, (0, 0.0))
        if len(rows) > most:
            self._most[where] = (len(rows), monotonic())
            return True
        return monotonic() - since < PATIENCE_S

    def _next(self, where: Where) -> datetime:
        """The same moment for all who go back before it, so that one claim takes them together."""
        now = self._clock.now()
        if (until := self._until.get(where, now)) <= now:
            until = self._until[where] = now + MOMENT
        return until


def _now(its: Rows, large: Collection[RunId], deferred: Deferred) -> Gathered:
    """All of them go together where they are many, and else those whose run is."""
    if len(its) >= deferred.least:
        return Gathered(together=its)
    together, alone = _parted(its, large)
    return Gathered(together=together, alone=alone)


def _parted(its: Rows, of: Collection[RunId]) -> tuple[Rows, Rows]:
    return [one for one in its if one[0].item.run in of], [one for one in its if one[0].item.run not in of]
