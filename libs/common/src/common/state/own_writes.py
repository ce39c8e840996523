"""Records to which a write of ours has no settled end yet, as rows of `flow.pair`: who is told of one now is told of that write, as a rule."""

from __future__ import annotations

from collections.abc import Sequence

from common.contracts.ids import ConnectionId, Entity, RecordId
from common.state.pool import DbConnection
from common.state.read_requests import ReadRecord


async def under_way(tx: DbConnection, records: Sequence[ReadRecord]) -> set[ReadRecord]:
    """Those of these records of whose pair nothing is judged before a settled read (R16), and that nobody is about to read."""
    if not records:
        return set()
    rows = await tx.fetch(_UNDER_WAY, *map(list, zip(*records, strict=True)))
    return {(ConnectionId(row["connection"]), Entity(row["entity"]), RecordId(row["record"])) for row in rows}


def _is_open(side: str) -> str:
    """The write is sent, or it is answered and what it became is not read yet."""
    return f"(p.judgement #> '{{{side},write}}' <> 'null' or p.judgement #> '{{{side},doubtful}}' = 'true')"


# A read that is asked for already keeps its time, so no stream of webhooks puts it off for ever.
_UNDER_WAY = f"""
select a.connection, a.entity, a.record
  from unnest($1::text[], $2::text[], $3::text[]) as a(connection, entity, record)
  join core.connection c on c.id = a.connection
 where not exists (select from flow.read_request r where (r.connection, r.entity, r.record) = (a.connection, a.entity, a.record))
   and (exists (select from flow.pair p
                 where (p.left_account, p.left_entity, p.left_id) = (c.account, a.entity, a.record) and p.exclusive and {_is_open("left")})
     or exists (select from flow.pair p
                 where (p.right_account, p.right_entity, p.right_id) = (c.account, a.entity, a.record) and p.right_id <> '' and p.exclusive
                   and {_is_open("right")}))
"""  # noqa: S608 - a constant of ours
