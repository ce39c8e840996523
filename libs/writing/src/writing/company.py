"""Whoever is in no hurry waits for company, before it is claimed: until a call is full, or nobody else of its run comes.

In: what a connection has to do. Out: the runs whose records wait. Nothing is durable: who waits is `ready` as ever, without a lease and without
an attempt, and whoever edits such a record brings it to the front, where it is written at once (decision 47).

In no hurry are the records of a whole account, and those that a plan has shown to be changes among many (`choice.py`, which puts them behind
what is live). What is live, and what a person replays, waits for nobody. Whether more of a run is on its way here is read from its books
(`run_ends.left`) and no guess; where they are wrong, because a poller died or a record was lost, that costs `WITHIN_S`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from common.clock import monotonic
from common.contracts.ids import ConnectionId, Entity, RunId
from common.state import run_ends, runs
from common.state.pool import DbConnection, Pool, connection
from vendors.target import Target
from writing.queue import Due

WITHIN_S = 10.0


class Company:
    """Remembers who waits, and since when."""

    def __init__(self, pool: Pool, targets: Mapping[Entity, Target]) -> None:
        self._pool = pool
        self._call = {entity: _most(target) for entity, target in targets.items()}
        self._since: dict[tuple[ConnectionId, int], dict[RunId, float]] = {}

    async def who_waits(self, due: Due, priority: int, room: int) -> Sequence[RunId]:
        """Runs of which more is to come, and too little is here; `room` is how many records this line can take at once."""
        line = due.connection, priority
        gathering = await self._gathering(due, priority, room)
        now, before = monotonic(), self._since.get(line, {})
        since = {run: before.get(run, now) for run in gathering}
        # Whoever has waited long enough is taken, and the next ones wait anew.
        waiting = self._since[line] = {run: at for run, at in since.items() if now - at < WITHIN_S}
        return sorted(waiting)

    async def _gathering(self, due: Due, priority: int, room: int) -> set[RunId]:
        syncs = due.syncs.get(priority, ())
        if not syncs or max(self._call.values()) == 1:
            return set()
        async with connection(self._pool) as link:
            ready = await self._ready(link, due.connection, priority, syncs)
            few = [run for run, here in ready.items() if runs.is_job(run) and not self._is_full(here, room)]
            left = await run_ends.left(link, few) if few else {}
        return {run for run, some in left.items() if some.coming}

    async def _ready(
        self, link: DbConnection, target: ConnectionId, priority: int, syncs: Sequence[str]
    ) -> Mapping[RunId, Counter[Entity]]:
        """How many of each run are here, by their kind at the target; no more are counted than fill a call."""
        found: dict[RunId, Counter[Entity]] = {}
        for row in await link.fetch(_READY, syncs, priority, target, max(self._call.values())):
            found.setdefault(RunId(row["run"]), Counter())[Entity(row["target_entity"])] += row["records"]
        return found

    def _is_full(self, here: Counter[Entity], room: int) -> bool:
        """As many are here as a call takes, and can be taken at once. Where each has a call of its own one is enough."""
        return any(min(many, room) >= self._call.get(entity, 1) for entity, many in here.items())


def _most(target: Target) -> int:
    """How many of its records the largest of its calls takes."""
    return max(target.together, target.deferred.most if target.deferred else 1)


_READY = """
select w.run, w.target_entity, count(*) as records
  from unnest($1::text[]) as s(id)
 cross join lateral (
       select w.run, w.target_entity from flow.work_item w
        where w.sync = s.id and w.priority = $2 and w.state = 'ready' and w.connection = $3
        order by w.due_at limit $4) as w
 group by w.run, w.target_entity
"""
