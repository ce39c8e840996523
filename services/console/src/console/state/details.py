"""Records of which less is known than a mapping reads: how many there are, and how many a run waits for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from common.contracts.connections import Connection
from common.contracts.ids import ConnectionId, Entity, RunId, VendorName
from common.state import pool as state
from common.state.read_requests import UNCOVERED
from vendors.inner_records import InnerRecords


class AwaitedDetails(NamedTuple):
    """So many records of a connection that a run has listed are still to be read."""

    run: str
    connection: Connection
    records: int


async def awaited(tx: state.DbConnection, runs: Sequence[RunId]) -> Sequence[AwaitedDetails]:
    """By run and connection; a run that waits for none has no row."""
    rows = await tx.fetch(_AWAITED, list(runs), UNCOVERED)
    return [
        AwaitedDetails(
            row["run"],
            Connection(ConnectionId(row["id"]), VendorName(row["vendor"]), row["name"], row["state"], row["details"]),
            row["records"],
        )
        for row in rows
    ]


async def lacking(tx: state.DbConnection, source: ConnectionId, entity: Entity, names: Collection[str]) -> int:
    """How many records have one of these fields told of no version, or of an older one than the newest that is known."""
    if not names:
        return 0
    many: int = await tx.fetchval(_LACKING, source, entity, sorted(names))
    return many


async def untold_parts(tx: state.DbConnection, source: ConnectionId, parts: InnerRecords) -> int:
    """How many records have to be read because what is told inside them was told of an older version, or never."""
    many: int = await tx.fetchval(_UNTOLD, source, parts.of, parts.field, parts.where)
    return many


_UNTOLD = """
select count(*) from flow.record_state s
 where s.connection = $1 and s.entity = $2 and not s.deleted and s.sequence <> '' and coalesce(s.fields ->> $4, '') <> ''
   and split_part(coalesce(s.told ->> $3, ''), '.', 1) < split_part(s.sequence, '.', 1)
"""

_AWAITED = """
select r.id as run, c.id, c.vendor, c.name, c.state, c.details, count(*) as records
  from flow.run r join core.sync s on s.id = r.sync
  join core.connection c on c.id in (s.source_connection, s.target_connection)
  join flow.read_request q on q.connection = c.id and q.job = substr(r.id, length(s.name) + 2) and q.job <> '' and q.reason = $2
 where r.id = any($1::text[])
 group by r.id, c.id
"""

_LACKING = """
select count(*) from flow.record_state s
 where s.connection = $1 and s.entity = $2 and not s.deleted and s.sequence <> '' and exists (
       select from unnest($3::text[]) as n(name)
        where split_part(greatest(coalesce(s.told ->> n.name, ''), s.detail,
                                  case when n.name like 'custom.%' then coalesce(s.told ->> 'custom', '') else '' end), '.', 1)
              < split_part(s.sequence, '.', 1))
"""
