"""The queue: who gets which records, and by what right.

Live work goes before replays and replays before backfill; every eighth turn looks from the other end, so that nothing waits for ever.
Each sync of a connection gets its share of a turn. A closed gate, a paused sync and a lease on any of a record's target keys keep its
work where it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import uuid4

from common.clock import Clock
from common.contracts.connections import Connection
from common.contracts.ids import ConnectionId, SyncId
from common.contracts.outcomes import SkipReason
from common.state import pool as state
from common.state.configuration import Configuration
from common.state.pool import Pool, connection, transaction
from vendors.target import TargetRecord
from writing import known as knowledge
from writing import leases, owners
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


class Due(NamedTuple):
    """One connection's syncs that have work, by priority."""

    connection: ConnectionId
    syncs: Mapping[int, Sequence[SyncId]]
    closing: frozenset[SyncId] = frozenset()
    """Those of them that were switched off, and archive what they own."""


class Queue:
    """Takes records of one connection at a time."""

    def __init__(self, pool: Pool, clock: Clock, lease: timedelta) -> None:
        self._pool = pool
        self._clock = clock
        self._lease = lease

    async def due(self, configuration: Configuration) -> Sequence[Due]:
        """Who has work that may be taken, of all connections and syncs at once: what an idle turn costs does not depend on their number."""
        now = self._clock.now()
        async with connection(self._pool) as link:
            pairs = await link.fetch(_DUE, now)
            gates = await link.fetch("select connection, place from core.gate where until is null or until > $1", now)
        closed = {(gate["connection"], gate["place"]) for gate in gates}
        found: dict[ConnectionId, dict[int, list[SyncId]]] = {}
        for row in pairs:
            sync = configuration.syncs.get(SyncId(row["sync"]))
            if (
                sync is not None
                and (sync.state == "active" or sync.closing)
                and not closed & {(sync.target, ""), (sync.target, sync.place)}
            ):
                found.setdefault(sync.target, {}).setdefault(row["priority"], []).append(sync.id)
        closing = frozenset(sync.id for sync in configuration.syncs.values() if sync.closing)
        return [Due(one, syncs, closing) for one, syncs in found.items()]

    async def claim(self, connection: Connection, due: Due, turn: Turn) -> list[Claimed]:
        """Takes records, their target keys and their ownership in one transaction."""
        if turn.most < 1 or not any(due.syncs.get(priority) for priority in turn.priorities):
            return []
        now = self._clock.now()
        async with transaction(self._pool) as tx:
            closed = await closed_places(tx, connection.id, now)
            if closed is None:
                return []
            taken = [_wished(item, due.closing) for item in await self._take(tx, due, closed, turn, now)]
            # A record that is kept as it is needs no lease, and owns what it owned.
            kept = [
                Claimed(item, Ownership(), {}, result_so_far=item.result_so_far)
                for item in taken
                if item.wish == "keep"
            ]
            moving = [item for item in taken if item.wish != "keep"]
            return kept + (await self._own(tx, moving, connection, now) if moving else [])

    async def _take(
        self, tx: state.DbConnection, due: Due, closed: Sequence[str], turn: Turn, now: datetime
    ) -> list[Item]:
        token, taken = uuid4(), list[Item]()
        for priority in turn.priorities:
            hungry = list(due.syncs.get(priority, ()))
            # Each sync gets its share; what some of them leave is shared out among the others.
            while hungry and (wanted := turn.most - len(taken)) > 0:
                share = -(-wanted // len(hungry))
                rows = await tx.fetch(_CLAIM, hungry, priority, now, share, token, self._lease, closed)
                # What was due first goes first, also inside a batch.
                taken += [item_of(row) for row in sorted(rows, key=lambda row: row["due_at"])]
                full = Counter(row["sync"] for row in rows)
                hungry = [sync for sync in hungry if full[sync] >= share]
        return taken

    async def _own(
        self, tx: state.DbConnection, taken: Sequence[Item], connection: Connection, now: datetime
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


def _wished(item: Item, closing: frozenset[SyncId]) -> Item:
    """A sync that was switched off and shall be archived wants nothing but that, whatever it wanted before."""
    if item.key.sync not in closing:
        return item
    gone = SkipReason.SYNC_DISABLED.value
    return replace(item, wish="absent", skip=gone, document={"how": "archive"}, target_key="")


def _claimed(
    item: Item,
    owned: Ownership,
    targets: set[TargetKey],
    known: Mapping[TargetKey, TargetRecord],
    connection: Connection,
) -> Claimed:
    here = {target.key: known[target] for target in sorted(targets) if target == item.target(target.key)}
    return Claimed(
        item, owned, here, tuple(key for key in here if key != item.target_key),
        tuple(known[target] for target in sorted(targets) if target != item.target(target.key)),
        connection.capabilities, result_so_far=item.result_so_far, call_group=item.call_group,
    )  # fmt: skip


async def still_mine(tx: state.DbConnection, items: Sequence[Item], lease: timedelta) -> dict[ItemKey, datetime]:
    """R3: locks the rows, checks their tokens and makes the leases as long as a call may take; with the database's own time.

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
        returning w.sync, w.entity, w.record, now() as at
        """,
        *columns([item.key for item in items]),
        [item.token for item in items],
        lease,
        [item.account for item in items],
    )
    return {key_of(row): row["at"] for row in rows}


async def closed_places(tx: state.DbConnection, connection: ConnectionId, now: datetime) -> list[str] | None:
    """The places that a gate holds back; None when it is the whole connection."""
    row = await tx.fetchrow(
        """
        select coalesce(array_agg(place) filter (where place <> ''), '{}') as places,
               coalesce(bool_or(place = ''), false)
               or not exists (select from core.connection where id = $1 and state = 'active') as all
          from core.gate where connection = $1 and (until is null or until > $2)
        """,
        connection,
        now,
    )
    return None if row["all"] else list(row["places"])


async def _give_back(tx: state.DbConnection, items: Sequence[Item], due_at: datetime) -> None:
    await tx.execute(
        """
        update flow.work_item w set state = 'waiting', token = null, lease_until = null, due_at = $4
          from unnest($1::text[], $2::text[], $3::text[]) as k(sync, entity, record)
         where (w.sync, w.entity, w.record) = (k.sync, k.entity, k.record)
        """,
        *columns([item.key for item in items]),
        due_at,
    )


# A loose scan of two indexes: one step for each (sync, priority) that has open work, however much that is.
_DUE = """
with recursive ready as (
    (select sync, priority from flow.work_item where state = 'ready' order by sync, priority limit 1)
    union all
    select n.* from ready r cross join lateral (
        select w.sync, w.priority from flow.work_item w
         where w.state = 'ready' and (w.sync, w.priority) > (r.sync, r.priority) order by w.sync, w.priority limit 1) as n
), waiting as (
    (select sync, priority, due_at from flow.work_item where state = 'waiting' order by sync, priority, due_at limit 1)
    union all
    select n.* from waiting r cross join lateral (
        select w.sync, w.priority, w.due_at from flow.work_item w
         where w.state = 'waiting' and (w.sync, w.priority) > (r.sync, r.priority)
         order by w.sync, w.priority, w.due_at limit 1) as n
)
select sync, priority from ready union select sync, priority from waiting where due_at <= $1
"""

# What is ready is taken whatever the clock says: one that was set back must not hold it up. The rows of a call that broke as a whole
# wait until each of them is settled.
_TAKEABLE = """
           and w.place <> all($7)
           and (w.wish = 'keep' or not exists (select from flow.target_lease l
                            where (l.account, l.place, l.target_entity, l.key)
                                  = ((select c.account from core.connection c where c.id = w.connection),
                                     w.place, w.target_entity, w.target_key)
                              and (l.sync, l.entity, l.record) <> (w.sync, w.entity, w.record)))
           and (w.call_group = '' or not exists (select from flow.work_item h where h.state = 'hold' and h.call_group = w.call_group))
         order by w.due_at limit $4 for update of w skip locked
"""

_CLAIM = f"""
with due as (
    select r.* from unnest($1::text[]) as s(id) cross join lateral (
        select w.sync, w.entity, w.record from flow.work_item w
         where w.sync = s.id and w.priority = $2 and w.state = 'ready' {_TAKEABLE}) as r
    union all
    select r.* from unnest($1::text[]) as s(id) cross join lateral (
        select w.sync, w.entity, w.record from flow.work_item w
         where w.sync = s.id and w.priority = $2 and w.state = 'waiting' and w.due_at <= $3 {_TAKEABLE}) as r
)
update flow.work_item w set state = 'leased', token = $5, lease_until = now() + $6
  from due where (w.sync, w.entity, w.record) = (due.sync, due.entity, due.record)
returning w.*, {ACCOUNTS}
"""  # noqa: S608 - constants of ours
