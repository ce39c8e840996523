"""What came of webhooks of applications: when each connection was last told of, and what was refused or is nobody's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from common.state import pool as state


@dataclass(frozen=True, slots=True)
class HeardConnection:
    """A connection of the vendor, and when an event of its account last came."""

    connection: str
    name: str
    heard_at: datetime | None


@dataclass(frozen=True, slots=True)
class QuarantinedHook:
    """The newest webhook that is in quarantine."""

    at: datetime
    reason: str


async def heard(link: state.DbConnection, vendor: str) -> Sequence[HeardConnection]:
    """In the order of their names."""
    rows = await link.fetch(
        """select k.id, k.name, a.heard_at from core.connection k left join flow.app_heard a on a.connection = k.id
            where k.vendor = $1 and k.state = 'active' order by k.name""",
        vendor,
    )
    return [HeardConnection(row["id"], row["name"], row["heard_at"]) for row in rows]


async def quarantined(link: state.DbConnection, owner: str) -> QuarantinedHook | None:
    """Of what is kept under this name."""
    row = await link.fetchrow(
        "select received_at, reason from flow.quarantine where connection = $1 order by id desc limit 1", owner
    )
    return QuarantinedHook(row["received_at"], row["reason"]) if row else None
