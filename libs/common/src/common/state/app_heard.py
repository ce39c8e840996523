"""When webhooks of applications last told of each connection: rows of `flow.app_heard`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from common.contracts.ids import ConnectionId
from common.state.pool import DbConnection


async def heard(tx: DbConnection, deliveries: Mapping[ConnectionId, datetime]) -> None:
    """The newest event of each that was verified; of connections that are gone nothing is kept."""
    ordered = sorted(deliveries)
    await tx.execute(
        """
        insert into flow.app_heard as a (connection, heard_at) select * from unnest($1::text[], $2::timestamptz[])
        on conflict (connection) do update set heard_at = greatest(a.heard_at, excluded.heard_at)
        """,
        ordered,
        [deliveries[one] for one in ordered],
    )
    await tx.execute(
        """
        delete from flow.app_heard a
         where not exists (select from core.connection k where k.id = a.connection and k.state <> 'deleted')
        """
    )
