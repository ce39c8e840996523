"""Notifications as people read them, and those that tell of a state for as long as it lasts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from common.state import pool as state


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


async def tell_of_states(tx: state.DbConnection, now: datetime) -> None:
    """Of each state one notification, from when it begins until it is over, however much comes meanwhile."""
    await tx.execute("select pg_advisory_xact_lock(hashtextextended('millrace:notices', 0))")
    for kind, words, question in _STATES:
        await tx.execute(_TELL, now, kind, words, await tx.fetchval(question))


_NEWEST = """
select n.id, n.at, n.kind, n.code, n.message, coalesce(c.name, ''), n.resolved_at
  from core.notification n left join core.connection c on c.id = n.connection
 where n.resolved_at is null or not $2 order by n.id desc limit $1
"""

_TELL = """
with over as (
    update core.notification set resolved_at = $1 where kind = $2 and resolved_at is null and not $4::boolean
)
insert into core.notification (at, kind, message)
select $1, $2, $3 where $4 and not exists (select from core.notification where kind = $2 and resolved_at is null)
"""

_STATES = (
    (
        "letters.open",
        "Records could not be brought to where they belong, and wait for a person.",
        "select exists (select from flow.dead_letter where state = 'open') or exists (select from flow.work_item where state in ('dead', 'parked'))",
    ),
    (
        "destination.failed",
        "A destination has not taken what it was sent, for a day.",
        """select exists (select from core.destination d where 'failed' = (
               select v.state from core.delivery v where v.destination = d.id and v.state <> 'waiting' order by v.notification desc limit 1))""",
    ),
)
