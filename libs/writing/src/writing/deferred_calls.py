"""Deferred calls in the database: begun with their intents, asked about by whoever has the lease, gone with the last intent's end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from common.contracts.ids import ConnectionId, Entity
from common.state.pool import DbConnection
from writing.intent import Intent

# So long one question takes at most; two that ask at once do no harm, because each row is settled once.
LEASE = timedelta(minutes=5)
FIRST_POLL = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class DeferredCall:
    """One, as it was when somebody took it."""

    attempt: str
    place: str
    entity: Entity
    size: int
    handle: str
    sent_at: datetime
    tries: int
    arrived: bool
    """Whatever was sent has arrived by now."""
    over: bool
    """Nobody waits for it any longer."""
    pause: timedelta
    """Until the next question: a quarter of the time that it has taken so far."""


async def begin(
    tx: DbConnection, its: Sequence[Intent], stored_at: datetime, arrives_within: timedelta, longest: timedelta
) -> None:
    """Before it is handed in, with its intents: what is asked about later."""
    first = its[0]
    await tx.execute(
        """
        insert into flow.deferred_call (attempt, connection, place, target_entity, size, sent_at, arrives_until, ends_at, poll_at)
        values ($1, $2, $3, $4, $5, $6, $7::timestamptz + $8, $7::timestamptz + $9, $7::timestamptz + $10)
        """,
        first.attempt, first.connection, first.target.place, first.target.entity, len(its), first.sent_at, stored_at,
        arrives_within, longest, arrives_within,
    )  # fmt: skip


async def handed_in(tx: DbConnection, attempt: str, handle: str, moved: timedelta) -> None:
    """The vendor has taken it under this name."""
    await tx.execute(
        "update flow.deferred_call set handle = $2, poll_at = now() + $3 + $4 where attempt = $1",
        attempt, handle, moved, FIRST_POLL,
    )  # fmt: skip


async def due(
    tx: DbConnection, connections: Sequence[ConnectionId], moved: timedelta, now: datetime
) -> set[ConnectionId]:
    """The connections with calls that somebody may ask about."""
    rows = await tx.fetch(_DUE, list(connections), moved, now)
    return {ConnectionId(row["connection"]) for row in rows}


async def take(
    tx: DbConnection, connection: ConnectionId, moved: timedelta, closed: Sequence[str]
) -> DeferredCall | None:
    """The one that has waited longest, under a lease."""
    row = await tx.fetchrow(_TAKE, connection, moved, LEASE, list(closed))
    return None if row is None else _call(row)


async def again(tx: DbConnection, attempt: str, pause: timedelta, moved: timedelta, *, tries: int) -> None:
    """It is asked about later."""
    await tx.execute(
        "update flow.deferred_call set poll_at = now() + $2 + $3, tries = $4, lease_until = null where attempt = $1",
        attempt, moved, pause, tries,
    )  # fmt: skip


async def remove(tx: DbConnection, attempt: str) -> None:
    """Nothing of it is left to be told."""
    await tx.execute("delete from flow.deferred_call where attempt = $1", attempt)


def _call(row: Any) -> DeferredCall:
    pause = min(max(FIRST_POLL, row["taken"] / 4), LONGEST_PAUSE)
    return DeferredCall(
        row["attempt"], row["place"], Entity(row["target_entity"]), row["size"], row["handle"], row["sent_at"], row["tries"],
        row["arrived"], row["over"], pause,
    )  # fmt: skip


_DUE = """
select c.connection from unnest($1::text[]) as c(connection)
 where exists (select from flow.deferred_call d where d.connection = c.connection and d.poll_at <= now() + $2
                  and (d.lease_until is null or d.lease_until < now()))
   and not exists (select from core.gate g where (g.connection, g.place) = (c.connection, '') and (g.until is null or g.until > $3))
"""

_TAKE = """
with due as (
    select attempt from flow.deferred_call
     where connection = $1 and poll_at <= now() + $2 and (lease_until is null or lease_until < now()) and place <> all($4)
     order by poll_at limit 1 for update skip locked
)
update flow.deferred_call d set lease_until = now() + $3 from due where d.attempt = due.attempt
returning d.*, d.arrives_until <= now() + $2 as arrived, d.ends_at <= now() + $2 as over,
          greatest(now() + $2 - d.sent_at, interval '0') as taken
"""
