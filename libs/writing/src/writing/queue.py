"""The queue: who gets which records, and by what right.

Live work, replays and backfill are taken apart from each other, each for a line of its own: which call goes first is the budget's to say.
Each sync of a connection gets its share of a turn. A closed gate, a paused sync and a lease on any of a record's target keys keep its
work where it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import uuid4

from common.clock import Clock
from common.contracts.connections import Connection
from common.contracts.ids import ConnectionId, Entity, RunId, SyncId
from common.contracts.messages import Lane
from common.contracts.syncs import Sync
from common.state import pool as state
from common.state.configuration import Configuration
from common.state.gates import Spot
from common.state.pool import Pool, connection, transaction
from vendors.target import Target
from writing import paired
from writing.claimed import Claimed
from writing.claims import own, wished
from writing.items import ACCOUNTS, PRIORITY, Item, item_of
from writing.owners import Ownership

LIVE, REPLAY, BACKFILL = (PRIORITY[lane] for lane in (Lane.LIVE, Lane.REPLAY, Lane.BACKFILL))


class Turn(NamedTuple):
    """One look at the queue: for which priority, and for how many records at most."""

    priority: int
    most: int
    full: Sequence[str] = ()
    """Places where rows gather behind calls that are under way."""
    waiting: Sequence[RunId] = ()
    """Runs whose records wait for company; what is replayed, or tried once more, does not."""


class Due(NamedTuple):
    """One connection's syncs that have work, by priority."""

    connection: ConnectionId
    syncs: Mapping[int, Sequence[SyncId]]
    closing: frozenset[SyncId] = frozenset()
    """Those of them that were switched off, and give up what they own."""


class Queue:
    """Takes records of one connection at a time."""

    def __init__(self, pool: Pool, clock: Clock, targets: Mapping[Entity, Target], lease: timedelta) -> None:
        self._pool = pool
        self._clock = clock
        self._targets = targets
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
            if sync is not None and (sync.state == "active" or sync.closing):
                for target in _open(sync, closed):
                    found.setdefault(target, {}).setdefault(row["priority"], []).append(sync.id)
        closing = frozenset(sync.id for sync in configuration.syncs.values() if sync.closing)
        return [Due(one, syncs, closing) for one, syncs in found.items()]

    async def claim(self, connection: Connection, due: Due, turn: Turn) -> list[Claimed]:
        """Takes records, their target keys and their ownership in one transaction."""
        if turn.most < 1 or not due.syncs.get(turn.priority):
            return []
        now = self._clock.now()
        async with transaction(self._pool) as tx:
            closed = await closed_places(tx, connection.id, now)
            if closed is None:
                return []
            taken = [wished(item, due.closing) for item in await self._take(tx, due, [*closed, *turn.full], turn, now)]
            # A record that is kept as it is needs no lease, and owns what it owned.
            kept = [
                Claimed(item, Ownership(), {}, result_so_far=item.result_so_far)
                for item in taken
                if item.wish == "keep"
            ]
            moving = [item for item in taken if item.wish != "keep"]
            one_way, two_way = (
                [item for item in moving if not item.side],
                [item for item in moving if item.side],
            )
            owned = await own(tx, one_way, self._targets, connection, now) if one_way else []
            return kept + owned + (await paired.own(tx, two_way, self._targets, connection, now) if two_way else [])

    async def _take(
        self, tx: state.DbConnection, due: Due, closed: Sequence[str], turn: Turn, now: datetime
    ) -> list[Item]:
        token, taken = uuid4(), list[Item]()
        hungry = list(due.syncs.get(turn.priority, ()))
        # Each sync gets its share; what some of them leave is shared out among the others.
        while hungry and (wanted := turn.most - len(taken)) > 0:
            share = -(-wanted // len(hungry))
            rows = await tx.fetch(
                _CLAIM, hungry, turn.priority, now, share, token, self._lease, closed, due.connection, turn.waiting
            )
            # What was due first goes first, also inside a batch.
            taken += [item_of(row) for row in sorted(rows, key=lambda row: row["due_at"])]
            full = Counter(row["sync"] for row in rows)
            hungry = [sync for sync in hungry if full[sync] >= share]
        return taken


def _open(sync: Sync, closed: set[tuple[str, str]]) -> set[ConnectionId]:
    """The connections to which some leg of the sync writes, as far as no gate is closed there."""
    return {
        leg.target
        for leg in sync.legs.values()
        if not closed & {(leg.target, place) for place in Spot(leg.target_place, sync.id, leg.name).gates}
    }


async def closed_places(tx: state.DbConnection, connection: ConnectionId, now: datetime) -> list[str] | None:
    """The places that a gate holds back, legs of syncs among them (`gates.of_leg`); None when it is the whole connection."""
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
           and w.connection = $8 and w.place <> all($7) and '#' || w.sync || '/' || w.entity <> all($7)
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
         where w.sync = s.id and w.priority = $2 and w.state = 'ready'
           and (w.run <> all($9) or w.replay <> '') {_TAKEABLE}) as r
    union all
    select r.* from unnest($1::text[]) as s(id) cross join lateral (
        select w.sync, w.entity, w.record from flow.work_item w
         where w.sync = s.id and w.priority = $2 and w.state = 'waiting' and w.due_at <= $3 {_TAKEABLE}) as r
)
update flow.work_item w set state = 'leased', token = $5, lease_until = now() + $6
  from due where (w.sync, w.entity, w.record) = (due.sync, due.entity, due.record)
returning w.*, {ACCOUNTS}
"""  # noqa: S608 - constants of ours
