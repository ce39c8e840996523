"""What a look at a source finds and no webhook had told."""

from __future__ import annotations

from common.contracts.ids import RecordId
from common.state.polls import Polled
from common.state.pool import DbConnection


async def unannounced(tx: DbConnection, polled: Polled, sequences: dict[RecordId, str]) -> int:
    """How many of these states nobody has told us of yet."""
    found: int = await tx.fetchval(
        """
        select count(*) from unnest($3::text[], $4::text[]) as n(record, sequence)
          left join flow.record_state s on (s.connection, s.entity, s.record) = ($1, $2, n.record)
         where coalesce(s.sequence, '') < n.sequence
        """,
        polled.connection,
        polled.entity,
        list(sequences),
        list(sequences.values()),
    )
    return found
