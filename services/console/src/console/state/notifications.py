"""Notifications as people read them, and the one that says that records wait for a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from common.state import pool as state

LETTERS = "letters.open"


@dataclass(frozen=True, slots=True)
class Notification:
    """Something that people are told."""

    id: int
    at: datetime
    kind: str
    code: str
    message: str
    connection: str
    resolved_at: datetime | None


async def newest(tx: state.DbConnection, limit: int, *, only_open: bool) -> Sequence[Notification]:
    """The newest first."""
    rows = await tx.fetch(_NEWEST, limit, only_open)
    return [Notification(*row.values()) for row in rows]


async def tell_of_letters(tx: state.DbConnection, now: datetime) -> None:
    """One notification from the first record that waits until none does, however many come meanwhile."""
    await tx.execute("select pg_advisory_xact_lock(hashtextextended('millrace:letters', 0))")
    await tx.execute(_TELL_OF_LETTERS, now, LETTERS)


_NEWEST = """
select n.id, n.at, n.kind, n.code, n.message, coalesce(c.name, ''), n.resolved_at
  from core.notification n left join core.connection c on c.id = n.connection
 where n.resolved_at is null or not $2 order by n.id desc limit $1
"""

_TELL_OF_LETTERS = """
with waiting as (
    select exists (select from flow.dead_letter where state = 'open') or exists (select from flow.work_item where state in ('dead', 'parked')) as some
), over as (
    update core.notification set resolved_at = $1 from waiting where kind = $2 and resolved_at is null and not waiting.some
)
insert into core.notification (at, kind, message)
select $1, $2, 'Records could not be brought to where they belong, and wait for a person.' from waiting
 where waiting.some and not exists (select from core.notification where kind = $2 and resolved_at is null)
"""
