"""Whoever is loaded waits for company: records of a whole account gather until a call of theirs is full, or nobody else comes.

A listing takes time, and its records come a page at a time. The vendor's call takes more of them than a page, so those that come first
stay ready in the queue, without a lease, and are claimed together (decision 42). Only what is least urgent waits, and never longer than
`WITHIN_S` at a time: what changed a moment ago and what a person replays go at once. That nobody else comes is read from the run's own
books and is no guess: its sources were read to their end, all that was read has been judged, and all that was raised is in the queue.
"""

from __future__ import annotations

from collections.abc import Mapping

from common.clock import monotonic
from common.contracts.ids import ConnectionId, Entity, SyncId
from common.contracts.messages import Lane
from common.state.pool import Pool, connection
from vendors.target import Target
from writing.items import PRIORITY
from writing.queue import Due

LOADED = PRIORITY[Lane.BACKFILL]
WITHIN_S = 10.0


class Company:
    """Remembers who waits, and since when."""

    def __init__(self, pool: Pool, targets: Mapping[Entity, Target]) -> None:
        self._pool = pool
        self._together = {entity: target.together for entity, target in targets.items() if target.together > 1}
        self._since: dict[ConnectionId, dict[SyncId, float]] = {}

    async def without_those_that_wait(self, due: Due, room: int) -> Due:
        """The same work, but for syncs whose loads go on gathering; `room` is how many records can be taken at once."""
        loaded = due.syncs.get(LOADED, ())
        gathering = await self._gathering(due, room) if loaded and self._together else set[SyncId]()
        now, before = monotonic(), self._since.get(due.connection, {})
        since = {sync: before.get(sync, now) for sync in gathering}
        waiting = {sync for sync, began in since.items() if now - began < WITHIN_S}
        # Whoever has waited long enough is taken, and the next ones wait anew.
        self._since[due.connection] = {sync: since[sync] for sync in waiting}
        return due._replace(syncs={**due.syncs, LOADED: [sync for sync in loaded if sync not in waiting]})

    async def _gathering(self, due: Due, room: int) -> set[SyncId]:
        entities = list(self._together)
        async with connection(self._pool) as link:
            rows = await link.fetch(
                _GATHERING, list(due.syncs[LOADED]), LOADED, due.connection, entities, list(self._together.values()), room
            )  # fmt: skip
        return {SyncId(row["id"]) for row in rows}


# By the newest of what is ready: its run says whether more is to come. What is still between mapper and queue waits in the ledger and
# nowhere else.
_GATHERING = """
select s.id
  from unnest($1::text[]) as s(id)
  cross join lateral (
       select w.run, w.target_entity from flow.work_item w
        where w.sync = s.id and w.priority = $2 and w.state = 'ready' and w.connection = $3
        order by w.due_at desc limit 1) as newest
  join unnest($4::text[], $5::integer[]) as t(entity, together) on t.entity = newest.target_entity
  join flow.run r on r.id = newest.run and r.kind in ('first', 'remap', 'full', 'backfill')
 where (t.together > $6
        or t.together > (select count(*) from (
               select from flow.work_item w
                where w.sync = s.id and w.priority = $2 and w.state = 'ready' and w.connection = $3 limit t.together) as ready))
   and ((r.closed_at is null and not coalesce(
            (select bool_and(n.ended_at is not null and n.records_read is not null) and sum(n.records_read)
                    <= (select sum(c.records) from flow.run_count c where c.run = r.id and c.outcome = 'entered')
               from flow.run_source n where n.run = r.id), false))
        or (select coalesce(sum(c.records), 0) from flow.run_count c where c.run = r.id and c.outcome = 'waiting')
           > (select coalesce(sum(k.waiting), 0) from flow.work_count k where k.sync = s.id))
"""
