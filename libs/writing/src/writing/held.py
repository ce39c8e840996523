"""Rows that nobody brings to their end any more: those on hold, which wait for their look (R2), and those whose executor is gone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from common.clock import Clock, moved_by
from common.contracts.ids import ConnectionId
from common.journal import Entry, Step, write
from common.retries import ATTEMPTS
from common.state.pool import Pool, connection, transaction
from writing import audits, consequences, leases
from writing.codes import EXECUTOR_GONE
from writing.items import ACCOUNTS, Item, item_of, key_of
from writing.queue import closed_places


class Held:
    """Finds them, for all connections at once, and takes them."""

    def __init__(self, pool: Pool, clock: Clock, lease: timedelta) -> None:
        self._pool = pool
        self._clock = clock
        self._lease = lease

    async def take_over(self, connections: Sequence[ConnectionId]) -> int:
        """Rows whose executor is gone: R3, with an open intent they go on hold, without one they are ready at once.

        It counts as an attempt: a record on which process after process ends must not go round for ever.
        """
        now = self._clock.now()
        async with transaction(self._pool) as tx:
            rows = await tx.fetch(
                _TAKE_OVER, list(connections), now, ATTEMPTS, EXECUTOR_GONE.name, EXECUTOR_GONE.meaning
            )
            await write(tx, [_gone(row, now) for row in rows if row["state"] != "ready"])
            # R4: what a process that is gone has sent is an outcome that nobody saw, like any other.
            await audits.owe(tx, [key_of(row) for row in rows if row["state"] == "hold"], now)
            await leases.release(tx, [key_of(row) for row in rows if row["state"] != "hold"])
            await consequences.given_up(tx, [item_of(row) for row in rows if row["state"] == "parked"], now)
        return len(rows)

    async def to_look_at(self, connections: Sequence[ConnectionId]) -> set[ConnectionId]:
        """The connections with rows on hold that can be settled, or with target records that are due for one more look (R4)."""
        now = self._clock.now()
        async with connection(self._pool) as link:
            rows = await link.fetch(_TO_LOOK_AT, list(connections), moved_by(self._clock), now)
        return {ConnectionId(row["connection"]) for row in rows}

    async def claim_held(self, connection: ConnectionId, most: int) -> list[Item]:
        """Rows on hold whose horizon has passed, by the database's own time; they stay on hold while somebody looks."""
        async with transaction(self._pool) as tx:
            closed = await closed_places(tx, connection, self._clock.now())
            if closed is None:
                return []
            moved = moved_by(self._clock)
            rows = await tx.fetch(_CLAIM_HELD, connection, moved, most, uuid4(), self._lease, closed)
        return [item_of(row) for row in rows]


def _gone(row: Any, now: datetime) -> Entry:
    item, step = item_of(row), Step.HELD if row["state"] == "hold" else Step.PARKED
    return Entry(
        at=now, step=step, reason="executor_gone", sync=item.key.sync, connection=item.source, entity=item.key.entity,
        record=item.key.record, revision=item.revision, mapping_version=item.mapping_version, run=item.run,
        event_id=item.event_id, trace_id=item.trace_id, target_key=item.target_key,
    )  # fmt: skip


_CLAIM_HELD = f"""
with due as (
    select w.sync, w.entity, w.record from flow.work_item w
     where w.connection = $1 and w.state = 'hold' and w.hold_until <= now() + $2 and (w.token is null or w.lease_until < now())
       and w.place <> all($6) and '#' || w.sync || '/' || w.entity <> all($6)
     order by w.hold_until limit $3 for update of w skip locked
)
update flow.work_item w set token = $4, lease_until = now() + $5
  from due where (w.sync, w.entity, w.record) = (due.sync, due.entity, due.record)
returning w.*, {ACCOUNTS}
"""  # noqa: S608 - a constant of ours

_TO_LOOK_AT = """
select c.connection from unnest($1::text[]) as c(connection)
 where not exists (select from core.gate g where (g.connection, g.place) = (c.connection, '') and (g.until is null or g.until > $3))
   and (exists (select from flow.work_item w where w.connection = c.connection and w.state = 'hold' and w.hold_until <= now() + $2
                  and (w.token is null or w.lease_until < now()))
    or exists (select from flow.audit a where a.connection = c.connection and a.due_at <= $3))
"""

_TAKE_OVER = f"""
with gone as (
    select w.sync, w.entity, w.record, w.attempts + 1 >= $3 as exhausted,
           (select max(i.hold_until) from flow.write_intent i
             where (i.sync, i.entity, i.record) = (w.sync, w.entity, w.record) and i.state = 'sent') as hold_until
      from flow.work_item w
     where w.connection = any($1) and w.state = 'leased' and w.lease_until < now()
     order by w.sync, w.entity, w.record limit 500 for update of w skip locked
), ended as (
    select *, case when hold_until is not null then 'hold' when exhausted then 'parked' else 'ready' end as state from gone
)
update flow.work_item w
   set token = null, lease_until = null, changed_at = $2, due_at = coalesce(e.hold_until, $2), hold_until = e.hold_until,
       state = e.state, attempts = w.attempts + 1, looks = 0,
       outcome = case when e.state = 'parked' then 'failed' else w.outcome end,
       reason = case when e.state = 'parked' then $4 else w.reason end,
       code = case when e.state = 'parked' then $4 else w.code end,
       kind = case when e.state = 'parked' then 'TRANSIENT' else w.kind end,
       message = case when e.state = 'parked' then $5 else w.message end,
       failed_first_at = case when e.state = 'parked' then coalesce(w.failed_first_at, $2) else w.failed_first_at end,
       failed_last_at = case when e.state = 'parked' then $2 else w.failed_last_at end
  from ended e where (w.sync, w.entity, w.record) = (e.sync, e.entity, e.record)
returning w.*, {ACCOUNTS}
"""  # noqa: S608 - a constant of ours
