"""The queue: who gets which records, by what right, and what becomes of those whose executor died.

Live work goes before replays and replays before backfill; every eighth turn looks from the other end, so that nothing waits for ever.
Each sync of a connection gets its share of a turn. A closed gate, a paused sync and a lease on any of a record's target keys keep its
work where it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import uuid4

from common.clock import Clock
from common.contracts.connections import Connection
from common.contracts.ids import ConnectionId, SyncId
from common.contracts.outcomes import SkipReason
from common.journal import Entry, Step, write
from common.state import pool as state
from common.state.configuration import Configuration
from common.state.pool import Pool, transaction
from vendors.target import Known
from writing import audits, leases, owners
from writing import known as knowledge
from writing.claimed import Claimed
from writing.items import ACCOUNTS, Item, ItemKey, TargetKey, columns, item_of, key_of
from writing.owners import Ownership

BLOCKED_FOR = timedelta(milliseconds=500)
LIVE: tuple[int, ...] = (0,)
REST: tuple[int, ...] = (1, 2)


class Turn(NamedTuple):
    """One look at the queue: which priorities, in which order, and how many records at most."""

    priorities: tuple[int, ...]
    most: int


class Queue:
    """Takes records of one connection at a time."""

    def __init__(self, pool: Pool, clock: Clock, lease: timedelta) -> None:
        self._pool = pool
        self._clock = clock
        self._lease = lease

    async def claim(self, configuration: Configuration, connection: Connection, turn: Turn) -> list[Claimed]:
        """Takes records, their target keys and their ownership in one transaction."""
        ours = [
            s for s in configuration.syncs.values() if s.target == connection.id and (s.state == "active" or s.closing)
        ]
        syncs, closing = [s.id for s in ours], {s.id for s in ours if s.closing}
        if not syncs or turn.most < 1:
            return []
        now = self._clock.now()
        async with transaction(self._pool) as tx:
            if await _gated(tx, connection.id, now):
                return []
            taken = [_wished(item, closing) for item in await self._take(tx, syncs, turn, now)]
            # A record that is kept as it is needs no lease, and owns what it owned.
            kept = [Claimed(item, Ownership(), {}, did=item.did) for item in taken if item.wish == "keep"]
            moving = [item for item in taken if item.wish != "keep"]
            return kept + (await self._own(tx, moving, connection, now) if moving else [])

    async def _take(self, tx: state.Connection, syncs: Sequence[SyncId], turn: Turn, now: datetime) -> list[Item]:
        token, taken = uuid4(), list[Item]()
        for priority in turn.priorities:
            hungry = list(syncs)
            # Each sync gets its share; what some of them leave is shared out among the others.
            while hungry and (wanted := turn.most - len(taken)) > 0:
                share = -(-wanted // len(hungry))
                rows = await tx.fetch(_CLAIM, hungry, priority, now, share, token, self._lease)
                # What was due first goes first, also inside a batch.
                taken += [item_of(row) for row in sorted(rows, key=lambda row: row["due_at"])]
                full = Counter(row["sync"] for row in rows)
                hungry = [sync for sync in hungry if full[sync] >= share]
        return taken

    async def _own(
        self, tx: state.Connection, taken: Sequence[Item], connection: Connection, now: datetime
    ) -> list[Claimed]:
        held = await owners.held(tx, taken)
        free = await leases.take(tx, taken, held)
        blocked = [item for item in taken if item.key not in free]
        if blocked:
            await _give_back(tx, blocked, now + BLOCKED_FOR)
        mine = [item for item in taken if item.key in free]
        if not mine:
            return []
        owned = await owners.plan(tx, mine, held, now)
        targets = await owners.past(tx, mine, connection.vendor)
        for item in mine:
            targets[item.key] |= {item.target(key) for key in {item.target_key, *held[item.key].keys} if key}
        known = await knowledge.read(tx, [target for one in targets.values() for target in one])
        return [_claimed(item, owned[item.key], targets[item.key], known, connection) for item in mine]

    async def take_over(self, connection: ConnectionId) -> int:
        """Rows whose executor is gone: R3, with an open intent they go on hold, without one they are ready at once."""
        now = self._clock.now()
        async with transaction(self._pool) as tx:
            rows = await tx.fetch(_TAKE_OVER, connection, now)
            await write(tx, [_held(row, now) for row in rows if row["state"] == "hold"])
            # R4: what a process that is gone has sent is an outcome that nobody saw, like any other.
            await audits.owe(tx, [key_of(row) for row in rows if row["state"] == "hold"], now)
            await leases.release(tx, [key_of(row) for row in rows if row["state"] == "ready"])
        return len(rows)

    async def claim_held(self, connection: ConnectionId, most: int) -> list[Item]:
        """Rows on hold whose horizon has passed; they stay on hold while somebody looks."""
        async with transaction(self._pool) as tx:
            if await _gated(tx, connection, self._clock.now()):
                return []
            rows = await tx.fetch(_CLAIM_HELD, connection, self._clock.now(), most, uuid4(), self._lease)
        return [item_of(row) for row in rows]


def _wished(item: Item, closing: set[SyncId]) -> Item:
    """A sync that was switched off and shall be archived wants nothing but that, whatever it wanted before."""
    if item.key.sync not in closing:
        return item
    gone = SkipReason.SYNC_DISABLED.value
    return replace(item, wish="absent", skip=gone, document={"how": "archive"}, target_key="")


def _claimed(
    item: Item, owned: Ownership, targets: set[TargetKey], known: Mapping[TargetKey, Known], connection: Connection
) -> Claimed:
    here = {target.key: known[target] for target in sorted(targets) if target == item.target(target.key)}
    return Claimed(
        item, owned, here, tuple(key for key in here if key != item.target_key),
        tuple(known[target] for target in sorted(targets) if target != item.target(target.key)),
        connection.capabilities, did=item.did,
    )  # fmt: skip


async def still_mine(tx: state.Connection, items: Sequence[Item], lease: timedelta) -> set[ItemKey]:
    """R3: locks the rows, checks their tokens and makes the leases as long as a call may take.

    A row whose account was learnt since it was planned is not mine any more: its keys have another name now.
    """
    rows = await tx.fetch(
        """
        update flow.work_item w set lease_until = now() + $5
          from (select v.sync, v.entity, v.record from flow.work_item v
                  join unnest($1::text[], $2::text[], $3::text[], $4::uuid[], $6::text[]) as k(sync, entity, record, token, account)
                    on (v.sync, v.entity, v.record) = (k.sync, k.entity, k.record) and v.token = k.token
                  join core.connection c on c.id = v.connection and c.account = k.account
                 order by v.sync, v.entity, v.record for update of v) as mine
         where (w.sync, w.entity, w.record) = (mine.sync, mine.entity, mine.record)
        returning w.sync, w.entity, w.record
        """,
        *columns([item.key for item in items]),
        [item.token for item in items],
        lease,
        [item.account for item in items],
    )
    return {key_of(row) for row in rows}


async def _gated(tx: state.Connection, connection: ConnectionId, now: datetime) -> bool:
    gated: bool = await tx.fetchval(
        """
        select exists (select from core.gate where connection = $1 and (until is null or until > $2))
            or not exists (select from core.connection where id = $1 and state = 'active')
        """,
        connection,
        now,
    )
    return gated


async def _give_back(tx: state.Connection, items: Sequence[Item], due_at: datetime) -> None:
    await tx.execute(
        """
        update flow.work_item w set state = 'ready', token = null, lease_until = null, due_at = $4
          from unnest($1::text[], $2::text[], $3::text[]) as k(sync, entity, record)
         where (w.sync, w.entity, w.record) = (k.sync, k.entity, k.record)
        """,
        *columns([item.key for item in items]),
        due_at,
    )


def _held(row: Any, now: datetime) -> Entry:
    item = item_of(row)
    return Entry(
        at=now, step=Step.HELD, reason="executor_gone", sync=item.key.sync, connection=item.source, entity=item.key.entity,
        record=item.key.record, revision=item.revision, mapping_version=item.mapping_version, run=item.run,
        event_id=item.event_id, trace_id=item.trace_id, target_key=item.target_key,
    )  # fmt: skip


_CLAIM = f"""
with due as (
    select d.sync, d.entity, d.record from unnest($1::text[]) as s(id) cross join lateral (
        select w.sync, w.entity, w.record from flow.work_item w
         where w.sync = s.id and w.priority = $2 and w.state in ('ready', 'waiting') and w.due_at <= $3
           and (w.wish = 'keep' or not exists (select from flow.target_lease l
                            where (l.account, l.place, l.target_entity, l.key)
                                  = ((select c.account from core.connection c where c.id = w.connection),
                                     w.place, w.target_entity, w.target_key)
                              and (l.sync, l.entity, l.record) <> (w.sync, w.entity, w.record)))
         order by w.due_at limit $4 for update of w skip locked) as d
)
update flow.work_item w set state = 'leased', token = $5, lease_until = now() + $6
  from due where (w.sync, w.entity, w.record) = (due.sync, due.entity, due.record)
returning w.*, {ACCOUNTS}
"""  # noqa: S608 - a constant of ours

_CLAIM_HELD = f"""
with due as (
    select w.sync, w.entity, w.record from flow.work_item w
     where w.connection = $1 and w.state = 'hold' and w.hold_until <= $2 and (w.token is null or w.lease_until < now())
     order by w.hold_until limit $3 for update of w skip locked
)
update flow.work_item w set token = $4, lease_until = now() + $5
  from due where (w.sync, w.entity, w.record) = (due.sync, due.entity, due.record)
returning w.*, {ACCOUNTS}
"""  # noqa: S608 - a constant of ours

_TAKE_OVER = f"""
with gone as (
    select w.sync, w.entity, w.record,
           (select max(i.hold_until) from flow.write_intent i
             where (i.sync, i.entity, i.record) = (w.sync, w.entity, w.record) and i.state = 'sent') as hold_until
      from flow.work_item w
     where w.connection = $1 and w.state = 'leased' and w.lease_until < now()
     order by w.sync, w.entity, w.record limit 500 for update of w skip locked
)
update flow.work_item w
   set token = null, lease_until = null, changed_at = $2, due_at = coalesce(gone.hold_until, $2), hold_until = gone.hold_until,
       state = case when gone.hold_until is null then 'ready' else 'hold' end
  from gone where (w.sync, w.entity, w.record) = (gone.sync, gone.entity, gone.record)
returning w.*, {ACCOUNTS}
"""  # noqa: S608 - a constant of ours
