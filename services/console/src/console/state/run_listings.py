"""What is being listed for runs: how far each listing is, and about how long it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from common.contracts.connections import Connection
from common.contracts.ids import ConnectionId, RunId, VendorName
from common.state import pool as state


class OpenListing(NamedTuple):
    """A source that is read for a run, and has not ended."""

    run: RunId
    connection: Connection
    pages: int
    seen: int
    """So many records its pages have told of."""
    about: int | None
    legs: int
    """Each of its records enters the run so often."""
    before: int
    """Records of the run's other sources, which were read to their end."""


async def of(tx: state.DbConnection, runs: Sequence[RunId]) -> Sequence[OpenListing]:
    """Those of these runs; looks at what has changed are none."""
    return [
        OpenListing(
            RunId(row["run"]),
            Connection(ConnectionId(row["id"]), VendorName(row["vendor"]), row["name"], row["state"], row["details"]),
            *(row[name] for name in OpenListing._fields[2:]),
        )
        for row in await tx.fetch(_LISTINGS, list(runs))
    ]


_LISTINGS = """
select n.run, c.id, c.vendor, c.name, c.state, c.details, p.pages, m.seen, p.about, l.legs, b.before
  from flow.run_source n join flow.run r on r.id = n.run join core.sync s on s.id = r.sync
  join core.connection c on c.id = n.connection
  join flow.poll p on (p.connection, p.entity, p.place) = (n.connection, n.entity, n.place) and p.job = substr(r.id, length(s.name) + 2)
 cross join lateral (select count(*) as seen from flow.poll_seen m
                      where (m.connection, m.entity, m.place) = (n.connection, n.entity, n.place) and m.told) as m
 cross join lateral (select count(*) as legs from core.leg l
                      where l.sync = r.sync and (l.source_connection, l.source_entity) = (n.connection, n.entity)) as l
 cross join lateral (select coalesce(sum(b.records_read), 0)::bigint as before from flow.run_source b
                      where b.run = n.run and b.ended_at is not null) as b
 where n.run = any($1::text[]) and n.ended_at is null and r.kind in ('backfill', 'full')
"""
