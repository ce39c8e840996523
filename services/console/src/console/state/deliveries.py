"""The rows of `core.delivery`: what is owed to whom, taken under a lease, ended by whoever holds it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from common.state import pool as state
from console.state.destinations import Destination

ALERTS = (
    "gate.needs_reauth",
    "grant.ends",
    "quota.month",
    "gate.refused",
    "gate.vendor_away",
    "gate.restored",
    "letters.open",
    "destination.failed",
)
"""What is told at once to whoever asked for alerts: work stands still, or waits for a person. What a limit holds back goes on by itself."""
TOLD_FOR = timedelta(days=1)
"""An alert that is older when a destination is added, or the sender comes back, is no news."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One that was taken, with all that its message is made of."""

    notification: int
    to: Destination
    id: str
    attempts: int
    unseen: int
    token: UUID
    kind: str
    code: str
    words: str
    at: datetime
    connection: str


async def owe_summary(tx: state.DbConnection, notification: int, now: datetime) -> None:
    """To everybody who asked for summaries, in the summary's own transaction."""
    await tx.execute(
        """insert into core.delivery (notification, destination, due_at)
           select $1, d.id, $2 from core.destination d where d.summaries on conflict do nothing""",
        notification, now,
    )  # fmt: skip


async def owe_alerts(tx: state.DbConnection, now: datetime) -> None:
    """Every open alert to everybody who asked for alerts; who is owed it, or had it, is not told again."""
    await tx.execute(
        """insert into core.delivery (notification, destination, due_at)
           select n.id, d.id, $1 from core.notification n cross join core.destination d
            where n.resolved_at is null and n.kind = any($2) and n.at > $3 and d.alerts
              and not exists (select from core.delivery v where (v.notification, v.destination) = (n.id, d.id))
           on conflict do nothing""",
        now, list(ALERTS), now - TOLD_FOR,
    )  # fmt: skip


async def take(tx: state.DbConnection, now: datetime, lease: timedelta) -> Delivery | None:
    """The next one that is due. One whose lease has run out was sent by somebody who died: nobody saw what came of it."""
    token = uuid4()
    row = await tx.fetchrow(_TAKE, now, token, lease)
    if row is None:
        return None
    to = Destination(
        row["destination"], row["channel"], row["address"], row["summaries"], row["alerts"], row["created_at"]
    )
    return Delivery(
        row["notification"], to, row["id"], row["attempts"], row["unseen"], token, row["kind"], row["code"], row["message"],
        row["at"], row["connection"],
    )  # fmt: skip


async def end(tx: state.DbConnection, one: Delivery, ended: str, words: str, now: datetime) -> None:
    """It was sent, or is given up."""
    await tx.execute(
        """update core.delivery set state = $4, words = $5, ended_at = $6, token = null, lease_until = null
            where (notification, destination, token) = ($1, $2, $3)""",
        one.notification, one.to.id, one.token, ended, words, now,
    )  # fmt: skip


async def put_off(
    tx: state.DbConnection, one: Delivery, due_at: datetime, words: str, *, unseen: bool
) -> None:  # fmt: skip
    """It is tried again."""
    await tx.execute(
        """update core.delivery set due_at = $4, words = $5, unseen = unseen + $6, token = null, lease_until = null
            where (notification, destination, token) = ($1, $2, $3)""",
        one.notification, one.to.id, one.token, due_at, words, int(unseen),
    )  # fmt: skip


_TAKE = """
with mine as (
    select notification, destination from core.delivery
     where state = 'waiting' and due_at <= $1 and (lease_until is null or lease_until < clock_timestamp())
     order by due_at limit 1 for update skip locked
), taken as (
    update core.delivery d set token = $2, lease_until = clock_timestamp() + $3::interval, attempts = d.attempts + 1,
           unseen = d.unseen + (d.token is not null)::integer
      from mine where (d.notification, d.destination) = (mine.notification, mine.destination)
    returning d.notification, d.destination, d.id, d.attempts, d.unseen
)
select t.notification, t.destination, t.id, t.attempts, t.unseen, a.kind as channel, a.address, a.summaries, a.alerts, a.created_at,
       n.kind, n.code, n.message, n.at, coalesce(c.name, '') as connection
  from taken t join core.destination a on a.id = t.destination join core.notification n on n.id = t.notification
  left join core.connection c on c.id = n.connection
"""
