"""Which records facts need, and whether all of them have been read and have arrived: until then nobody has such a fact.

A kind of records is wanted from the moment when a mapping names a fact that is made of it. Then everything is listed once; the listing's
name stands on each of its events, and once all whom it told of have been merged, the facts are there. It is forgotten when no mapping wants
it any more: what is not read grows old, and a later wish begins anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from common.contracts.ids import ConnectionId, Entity, RecordId, RunId
from common.state.polls import Polled
from common.state.pool import DbConnection


class Met(NamedTuple):
    """A record that a listing told of."""

    connection: ConnectionId
    entity: Entity
    listing: RunId
    record: RecordId


async def want(tx: DbConnection, wanted: Sequence[Polled], now: datetime) -> None:
    """These, and no others. What is new here is listed whole at once; each has its row in `flow.poll`."""
    columns = _columns(wanted)
    await tx.execute(
        """
        delete from flow.feeding f where not exists (
            select from unnest($1::text[], $2::text[], $3::text[]) as w(connection, entity, place)
             where (w.connection, w.entity, w.place) = (f.connection, f.entity, f.place))
        """,
        *columns,
    )
    await tx.execute(_WANT, *columns, now)


async def listed(tx: DbConnection, polled: Polled, job: str, began_at: datetime | None, records: int) -> None:
    """Everything was listed, and is on the topic. A listing that began before the wish proves nothing: it is made once more, and at once."""
    await tx.execute(_LISTED, *polled, job, began_at, records)


async def unready(tx: DbConnection) -> frozenset[Polled]:
    """What is wanted and has not been read whole."""
    rows = await tx.fetch("select connection, entity, place from flow.feeding where ready_at is null")
    return frozenset(Polled(*row) for row in rows)


async def ready(tx: DbConnection, connections: Iterable[ConnectionId]) -> frozenset[Polled]:
    """What has been."""
    rows = await tx.fetch(
        "select connection, entity, place from flow.feeding where ready_at is not null and connection = any($1::text[])",
        sorted(set(connections)),
    )
    return frozenset(Polled(*row) for row in rows)


async def meet(tx: DbConnection, met: Iterable[Met]) -> None:
    """These records of a listing have been merged; remembered only while somebody waits for the listing."""
    rows = sorted(set(met))
    connections, records = [one.connection for one in rows], [one.record for one in rows]
    await tx.execute(_MEET, connections, [one.entity for one in rows], [one.listing for one in rows], records)


async def arrive(tx: DbConnection, now: datetime) -> list[Polled]:
    """Listings of which all have arrived: from now on there are facts."""
    rows = await tx.fetch(_ARRIVED, now)
    if rows:
        await tx.execute(_FORGET_MET)
    return [Polled(*row) for row in rows]


def _columns(polled: Iterable[Polled]) -> list[list[Any]]:
    listed = sorted(set(polled))
    return [[one[at] for one in listed] for at in range(3)]


_WANT = """
with new as (
    insert into flow.feeding (connection, entity, place, wanted_at)
    select n.*, $4 from unnest($1::text[], $2::text[], $3::text[]) as n(connection, entity, place)
    on conflict do nothing returning connection, entity, place
)
update flow.poll p set whole_at = null, next_at = least(p.next_at, $4)
  from new n where (p.connection, p.entity, p.place) = (n.connection, n.entity, n.place)
"""

_LISTED = """
with told as (
    update flow.feeding set listing = $4, records = $6
     where (connection, entity, place) = ($1, $2, $3) and ready_at is null and wanted_at <= $5 returning true
)
update flow.poll p set whole_at = null, next_at = least(p.next_at, p.ended_at)
 where (p.connection, p.entity, p.place) = ($1, $2, $3) and not exists (select from told)
   and exists (select from flow.feeding f where (f.connection, f.entity, f.place) = ($1, $2, $3) and f.ready_at is null)
"""

_MEET = """
insert into flow.feed_met (connection, entity, listing, record)
select n.* from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as n(connection, entity, listing, record)
 where exists (select from flow.feeding f where (f.connection, f.entity) = (n.connection, n.entity) and f.ready_at is null)
on conflict do nothing
"""

_ARRIVED = """
update flow.feeding f set ready_at = $1
 where f.ready_at is null and f.listing <> ''
   and f.records <= (select count(*) from flow.feed_met m where (m.connection, m.entity, m.listing) = (f.connection, f.entity, f.listing))
returning f.connection, f.entity, f.place
"""

_FORGET_MET = """
delete from flow.feed_met m
 where not exists (select from flow.feeding f where (f.connection, f.entity) = (m.connection, m.entity) and f.ready_at is null)
"""
