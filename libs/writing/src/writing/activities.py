"""What a target tells of one of its records, as rows for every customer who lives there (`common.state.activity`).

In: events that were judged, and what each of them tells that no write of ours has made. Durable with the caller's commit, which is that of the
judgement: an event that is judged once more adds nothing. A constant number of statements for any number of events, and none where all were echoes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from common.state import activity
from common.state.activity import Activity, ToldCustomer
from common.state.pool import DbConnection
from vendors.absorbing import Happened
from writing import owners
from writing.items import ItemKey, TargetKey, columns, key_of, target_of
from writing.kept_events import KeptEvent

MOST = 10
"""Who share a target record are all told of it; of more than that, only the one who writes it."""


class Told(NamedTuple):
    """What one event tells."""

    one: KeptEvent
    happened: Happened


async def keep(tx: DbConnection, told: Sequence[Told], now: datetime) -> None:
    """One row for each event and customer."""
    if told:
        whose = await _customers(tx, {key for event, _ in told for key in event.keys})
        rows = [
            _row(event, happened, customer)
            for event, happened in told
            for customer in dict.fromkeys(customer for key in event.keys for customer in whose[key])
        ]
        # First what was told: what only a read shows may be the same.
        for source in ("event", "read"):
            await activity.add(tx, [row for row in rows if row.source == source], now)


def _row(one: KeptEvent, happened: Happened, customer: ToldCustomer) -> Activity:
    return Activity(
        customer, one.event.id, happened.kind, happened.source, one.parsed.at, one.event.connection,
        one.where.account, one.where.place, one.where.key, happened.fields, happened.reason,
    )  # fmt: skip


async def _customers(tx: DbConnection, targets: Collection[TargetKey]) -> Mapping[TargetKey, Sequence[ToldCustomer]]:
    """Who lives under each of these keys or has still to leave it; where nobody does, who has left it and lives under another one."""
    here: dict[TargetKey, dict[ItemKey, ToldCustomer]] = defaultdict(dict)
    before: dict[TargetKey, dict[ItemKey, ToldCustomer]] = defaultdict(dict)
    for row in await tx.fetch(_OWNERS, *columns(sorted(targets), 4)):
        at = before if row["standing"] == "left" else here
        at[target_of(row)][key_of(row)] = ToldCustomer(row["source_connection"], row["source_entity"], row["record"])
    found = {target: here.get(target) or before.get(target, {}) for target in targets}
    crowded = {target for target, its in found.items() if len(set(its.values())) > MOST}
    leaders = await owners.leaders(tx, crowded)
    alone = {target: found[target].get(leaders[target]) if target in leaders else None for target in crowded}
    return {
        target: [alone[target] or min(its.values())] if target in crowded else sorted(set(its.values()))
        for target, its in found.items()
    }


# With `offset 0` each key is looked up. A sync that has ended owns nothing any more.
_OWNERS = """
select k.account, k.place, k.target_entity, k.key, o.sync, o.entity, o.record, o.standing, l.source_connection, l.source_entity
  from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as k(account, place, target_entity, key)
 cross join lateral (
       select * from flow.target_owner w
        where (w.account, w.place, w.target_entity, w.key) = (k.account, k.place, k.target_entity, k.key) and w.standing <> 'ended'
       offset 0) as o
  join core.leg l on (l.sync, l.name) = (o.sync, o.entity)
 where o.standing <> 'left'
    or exists (select from flow.target_owner n
                where (n.source_account, n.record) = (o.source_account, o.record)
                  and (n.account, n.place, n.target_entity, n.sync, n.entity) = (o.account, o.place, o.target_entity, o.sync, o.entity)
                  and n.standing = 'live')
 order by 1, 2, 3, 4, 5, 6, 7
"""
