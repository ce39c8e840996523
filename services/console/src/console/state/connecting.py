"""The rows of `core.connecting`: one for each connection that was ever begun."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from common.state import pool as state


async def begin(tx: state.DbConnection, connection: str, by: str, now: datetime) -> None:
    """A person has begun to connect; the place of a former grant is kept."""
    await tx.execute(
        """insert into core.connecting (connection, began_at, began_by, next_try_at) values ($1, $2, $3, $2)
           on conflict (connection) do update set consent = '', state = 'open', began_at = $2, began_by = $3, tries = 0,
               next_try_at = $2, code = '', message = ''""",
        connection,
        now,
        by,
    )


async def remember_consent(tx: state.DbConnection, connection: str, consent: str) -> None:
    """Which consent at the token-broker belongs to it."""
    await tx.execute("update core.connecting set consent = $2 where connection = $1", connection, consent)


async def done(tx: state.DbConnection, connection: str, place: str, message: str) -> None:
    """It is connected to this place."""
    await tx.execute(
        "update core.connecting set state = 'done', place = $2, code = '', message = $3 where connection = $1",
        connection,
        place,
        message,
    )


async def ended(tx: state.DbConnection, connection: str, code: str, message: str) -> None:
    """It came to nothing, and why."""
    await tx.execute(
        "update core.connecting set state = 'ended', code = $2, message = $3 where connection = $1",
        connection,
        code,
        message,
    )


async def again_later(tx: state.DbConnection, connection: str, code: str, message: str, at: datetime) -> None:
    """The credential is there and did not work yet."""
    await tx.execute(
        """update core.connecting set tries = tries + 1, next_try_at = $4, code = $2, message = $3
            where connection = $1 and state = 'open'""",
        connection,
        code,
        message,
        at,
    )


async def due(tx: state.DbConnection, now: datetime, limit: int = 50) -> Sequence[str]:
    """The connections that are being connected and may be looked at now."""
    rows = await tx.fetch(
        """select connection from core.connecting r join core.connection c on c.id = r.connection
            where r.state = 'open' and next_try_at <= $1 and c.state in ('connecting', 'active')
            order by next_try_at limit $2""",
        now,
        limit,
    )
    return [row["connection"] for row in rows]


async def look_again(tx: state.DbConnection, connection: str, at: datetime) -> None:
    """Nothing has happened: the others have their turn first."""
    await tx.execute(
        "update core.connecting set next_try_at = greatest(next_try_at, $2) where connection = $1 and state = 'open'",
        connection,
        at,
    )


def pause_before(tries: int) -> timedelta:
    """5 s, 10 s, 20 s ... ten minutes: each try is a call that counts against the vendor's quota."""
    return timedelta(seconds=min(600, 5 * 2 ** min(tries, 8)))
