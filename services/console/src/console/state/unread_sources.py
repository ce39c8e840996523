"""Sources whose last reading failed, as the poller has kept it: they are read again later, and until then nobody knows what changed there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from common.contracts.ids import ConnectionId, Entity
from common.state import pool as state
from common.state.polls import Polled, columns


class FailedReading(NamedTuple):
    """Of one source: what the vendor or we said (`CODE: words`), how often in a row it counted, and when it is tried again."""

    words: str
    attempts: int
    next_at: datetime
    never_read: bool
    """It was not yet read to its end, so nothing is known that depends on all of it."""


async def of(tx: state.DbConnection, sources: Sequence[Polled]) -> Mapping[Polled, FailedReading]:
    """By source; one whose last reading went well, or is going on, is not there."""
    rows = await tx.fetch(_FAILED, *columns(sources)) if sources else []
    return {
        Polled(ConnectionId(row["connection"]), Entity(row["entity"]), row["place"]): FailedReading(*row[3:])
        for row in rows
    }


_FAILED = """
select p.connection, p.entity, p.place, p.words, p.attempts, p.next_at, p.whole_at is null
  from unnest($1::text[], $2::text[], $3::text[]) as n(connection, entity, place)
  join flow.poll p using (connection, entity, place) where p.words <> ''
"""
