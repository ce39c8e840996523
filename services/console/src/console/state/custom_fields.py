"""Custom fields that stored records have: what is known of them where the account has no list of its own that we may read."""

from __future__ import annotations

from collections.abc import Sequence

from common.state import pool as state

# Enough to have seen what is in use, and as fast with a million records.
MOST_RECORDS = 2000


async def seen(tx: state.DbConnection, connection: str, entity: str) -> Sequence[str]:
    """Their names, of so many records."""
    return [row["name"] for row in await tx.fetch(_SEEN, connection, entity, MOST_RECORDS)]


_SEEN = """
select distinct k.name from (
    select s.fields -> 'custom' as custom from flow.record_state s
     where (s.connection, s.entity) = ($1, $2) and jsonb_typeof(s.fields -> 'custom') = 'object' limit $3) as few
 cross join lateral jsonb_object_keys(few.custom) as k(name)
 order by k.name
"""
