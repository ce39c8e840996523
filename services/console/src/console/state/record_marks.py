"""How many of the records that were read have a mark of their vendor's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from common.state import pool as state
from vendors.own_sync import NOTICE


async def counted(tx: state.DbConnection, connection: str, entity: str, mark: str) -> tuple[int, int]:
    """How many records there are, and of how many the mark is true."""
    row = await tx.fetchrow(_COUNTED, connection, entity, mark)
    return int(row["many"]), int(row["marked"])


async def untell(tx: state.DbConnection, connections: Sequence[str], now: datetime) -> None:
    """A person has looked, and the sync goes on."""
    await tx.execute(_UNTELL, list(connections), NOTICE, now)


_UNTELL = """
update core.notification set resolved_at = $3 where connection = any($1::text[]) and kind = $2 and resolved_at is null
"""

_COUNTED = """
select count(*) as many, count(*) filter (where fields -> $3 = 'true') as marked from flow.record_state
 where (connection, entity) = ($1, $2) and sequence <> '' and not deleted
"""
