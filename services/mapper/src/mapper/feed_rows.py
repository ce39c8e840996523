"""What records tell of others, as rows; and when the calendar changes what is made of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from common.contracts.facts import kept_fields
from common.contracts.ids import ConnectionId, Entity, RecordId
from common.contracts.open_deals import CHOSEN
from common.state.pool import DbConnection
from mapper.facts import RULE, FeedRow
from mapper.state import RecordState
from mapper.state_rows import Key
from vendors.feeds import Feed, Named

Told = Mapping[tuple[Entity, RecordId], Mapping[str, Any]]
"""Of whom a record tells, and what."""


def told_by(state: RecordState, key: Key, feed: Feed, chosen: RecordId | None = None) -> Told:
    """Pure; a record that is gone, or was never told, tells of nobody. `chosen` is whom it counts for if it names nobody itself."""
    if state.deleted or not state.known:
        return {}
    kept = {name: state.fields[name] for name in kept_fields(key.entity) if name in state.fields}
    told: dict[tuple[Entity, RecordId], Mapping[str, Any]] = {
        (feed.to, record): kept for record in feed.whom(state.fields)
    }
    if feed.gathers is not None:
        named = feed.gathers.by(state.fields) or (Named(chosen, CHOSEN) if chosen else None)
        if named is not None:
            told[feed.gathers.into, named.record] = kept | {RULE: named.rule}
    if feed.parts is not None:
        told |= {(feed.parts.into, part): own for part, own in feed.parts.of(key.record, state.fields).items()}
    return told


def still_chosen(state: RecordState, feed: Feed, before: Told) -> RecordId | None:
    """Whom a record was given to by a choice, as long as it tells of those of whom it told then."""
    if feed.gathers is None or {(feed.to, one) for one in feed.whom(state.fields)} != {
        one for one in before if one[0] == feed.to
    }:
        return None
    into = feed.gathers.into
    return next((one[1] for one, fields in before.items() if one[0] == into and fields.get(RULE) == CHOSEN), None)


async def stored(tx: DbConnection, keys: Collection[Key]) -> dict[Key, Told]:
    """What these records told until now; they are locked, so nobody else changes it."""
    rows = await tx.fetch(
        """
        select f.connection, f.entity, f.record, f.fed_entity, f.fed_record, f.fields from flow.feed_row f
          join unnest($1::text[], $2::text[], $3::text[]) as k(connection, entity, record) using (connection, entity, record)
        """,
        *_columns(keys),
    )
    found: dict[Key, dict[tuple[Entity, RecordId], Mapping[str, Any]]] = defaultdict(dict)
    for row in rows:
        found[Key(*row[:3])][Entity(row[3]), RecordId(row[4])] = row[5]
    return dict(found)


async def replace(tx: DbConnection, told: Mapping[Key, Told]) -> None:
    """What these records tell from now on."""
    rows = [(*key, *whom, dict(fields)) for key, told_of in told.items() for whom, fields in told_of.items()]
    await tx.execute(
        """
        delete from flow.feed_row f using unnest($1::text[], $2::text[], $3::text[]) as k(connection, entity, record)
         where (f.connection, f.entity, f.record) = (k.connection, k.entity, k.record)
        """,
        *_columns(told),
    )
    await tx.execute(
        """
        insert into flow.feed_row (connection, entity, record, fed_entity, fed_record, fields)
        select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::jsonb[])
        """,
        *([row[at] for row in rows] for at in range(6)),
    )


async def telling_of(tx: DbConnection, keys: Collection[Key]) -> dict[Key, list[FeedRow]]:
    """Everything that is told of these records."""
    rows = await tx.fetch(
        """
        select k.connection, k.entity, k.record, f.entity as feeding, f.record as teller, f.fields
          from unnest($1::text[], $2::text[], $3::text[]) as k(connection, entity, record)
          join flow.feed_row f on (f.connection, f.fed_entity, f.fed_record) = (k.connection, k.entity, k.record)
        """,
        *_columns(keys),
    )
    found: dict[Key, list[FeedRow]] = defaultdict(list)
    for row in rows:
        found[Key(*row[:3])].append(FeedRow(Entity(row[3]), RecordId(row[4]), row[5]))
    return found


class FactDue(NamedTuple):
    """When a record's facts change by themselves; with `waits`, when they are there at all."""

    next_at: datetime | None
    waits: bool = False


async def schedule(tx: DbConnection, due: Mapping[Key, FactDue], *, alone: bool) -> None:
    """These records, which are locked, are judged again then; those that nothing changes are not. Not `alone`: what was due stays."""
    rows = [(*key, one.next_at, one.waits or one.next_at is not None) for key, one in sorted(due.items())]
    await tx.execute(_SCHEDULE, *([row[at] for row in rows] for at in range(5)), alone)


async def due(tx: DbConnection, now: datetime, most: int) -> list[Key]:
    """The next of them, by an index: nobody else is looked at."""
    return [Key(*row) for row in await tx.fetch(DUE, now, most)]


async def over(tx: DbConnection, keys: Iterable[Key], now: datetime) -> None:
    """They were judged; of whom no mapping wants a fact any more, nothing is due."""
    await tx.execute(
        """
        delete from flow.fact_due d using unnest($1::text[], $2::text[], $3::text[]) as k(connection, entity, record)
         where (d.connection, d.entity, d.record) = (k.connection, k.entity, k.record) and d.next_at <= $4
        """,
        *_columns(keys),
        now,
    )


async def waiting(tx: DbConnection) -> list[ConnectionId]:
    """Connections where records wait for facts that are there by now, or that nobody wants any more."""
    return [ConnectionId(row[0]) for row in await tx.fetch(_WAITING)]


async def wake(tx: DbConnection, connection: ConnectionId, now: datetime) -> None:
    """Those that waited are judged now."""
    await tx.execute(_WAKE, connection, now)


def _columns(keys: Iterable[Key]) -> list[list[Any]]:
    ordered = sorted(set(keys))
    return [[key[at] for key in ordered] for at in range(3)]


DUE = "select connection, entity, record from flow.fact_due where next_at <= $1 order by next_at limit $2"

_SCHEDULE = """
with given as materialized (
    select n.* from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::boolean[])
                    as n(connection, entity, record, next_at, stays)
), over as (
    delete from flow.fact_due d using given g
     where (d.connection, d.entity, d.record) = (g.connection, g.entity, g.record) and not g.stays and $6
)
insert into flow.fact_due as d (connection, entity, record, next_at)
select g.connection, g.entity, g.record, g.next_at from given g where g.stays
on conflict (connection, entity, record) do update
   set next_at = case when $6 then excluded.next_at when d.next_at is not null then least(d.next_at, excluded.next_at) end
 where d.next_at is distinct from excluded.next_at
"""

_WAITING = """
select c.id from core.connection c
 where exists (select from flow.fact_due d where d.connection = c.id and d.next_at is null)
   and not exists (select from flow.feeding f where f.connection = c.id and f.ready_at is null)
"""

# In the order of every batch.
_WAKE = """
with asleep as materialized (
    select connection, entity, record from flow.fact_due where connection = $1 and next_at is null order by entity, record for update
)
update flow.fact_due d set next_at = $2 from asleep a
 where (d.connection, d.entity, d.record) = (a.connection, a.entity, a.record)
"""
