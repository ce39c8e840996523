"""The calls that made access tokens, counted ahead of each: a vendor allows so many in a window."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from common.state import pool as state


async def count_call(
    tx: state.DbConnection, connection: str, lineage: int, because: str, now: datetime, outcome: str = "sent"
) -> int:
    """One access token more that this refresh token has made."""
    number: int = await tx.fetchval(
        "insert into vault.token_call (connection, lineage, at, because, outcome) values ($1, $2, $3, $4, $5) returning id",
        connection,
        lineage,
        now,
        because,
        outcome,
    )
    return number


async def outcome_of_call(tx: state.DbConnection, call: int, outcome: str, words: str) -> None:
    """How a call that was counted ended."""
    await tx.execute("update vault.token_call set outcome = $2, words = $3 where id = $1", call, outcome, words)


async def calls_since(link: state.DbConnection, connection: str, lineage: int, since: datetime) -> Sequence[datetime]:
    """When the calls of a window were made, newest first."""
    rows = await link.fetch(
        "select at from vault.token_call where connection = $1 and lineage = $2 and at > $3 order by at desc",
        connection,
        lineage,
        since,
    )
    return [row["at"] for row in rows]


async def latest_calls(link: state.DbConnection, connection: str, limit: int) -> list[dict[str, Any]]:
    """The last ones, as people see them."""
    rows = await link.fetch(
        "select at, because, outcome, words from vault.token_call where connection = $1 order by id desc limit $2",
        connection,
        limit,
    )
    return [dict(row) for row in rows]
