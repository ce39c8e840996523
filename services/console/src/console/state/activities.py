"""What targets have told of a customer, as people look for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from common.state import pool as state
from common.state.activity import Activity, ToldCustomer, activity_of
from console.state.records import RecordKey


async def customers(tx: state.DbConnection, record: str, connection: str, entity: str) -> Sequence[ToldCustomer]:
    """The records of this id that a leg leads to members; `connection` may be its name."""
    return [ToldCustomer(*row) for row in await tx.fetch(_CUSTOMERS, record, connection, entity)]


async def page(
    tx: state.DbConnection,
    customer: ToldCustomer,
    since: datetime | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> Sequence[Activity]:
    """The newest first; `after` is the last row of the page before."""
    at, event = after or (None, None)
    return [activity_of(row) for row in await tx.fetch(_PAGE, *customer, since, at, event, limit)]


async def between(
    tx: state.DbConnection, key: RecordKey, since: datetime | None, until: datetime | None, limit: int
) -> Sequence[Activity]:
    """What happened in these days, the newest ones of it, oldest first."""
    return [activity_of(row) for row in await tx.fetch(_BETWEEN, *key, since, until, limit)]


_CUSTOMERS = """
select distinct s.connection, s.entity, s.record
  from core.leg l join core.connection c on c.id = l.source_connection
  join flow.record_state s on (s.connection, s.entity, s.record) = (l.source_connection, l.source_entity, $1)
 where l.target_entity = 'member' and ($2 = '' or $2 in (c.id, c.name)) and ($3 = '' or s.entity = $3)
 order by 1, 2
"""

_PAGE = """
select a.* from flow.activity a
 where (a.connection, a.entity, a.record) = ($1, $2, $3) and ($4::timestamptz is null or a.at >= $4)
   and ($5::timestamptz is null or (a.at, a.event_id) < ($5, $6::text))
 order by a.at desc, a.event_id desc limit $7
"""

_BETWEEN = """
select * from (
    select a.* from flow.activity a
     where (a.connection, a.entity, a.record) = ($1, $2, $3)
       and ($4::timestamptz is null or a.at >= $4) and ($5::timestamptz is null or a.at <= $5)
     order by a.at desc, a.event_id desc limit $6) as newest
 order by at, event_id
"""
