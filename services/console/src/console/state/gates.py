"""The gates that people close and open; the function in the database writes the notification with them."""

from __future__ import annotations

from datetime import datetime

from common.state import gates
from common.state import pool as state

PAUSED = "paused"


async def pause(tx: state.DbConnection, connection: str, message: str, now: datetime) -> bool:
    """Closes the gate; false when it was closed for this reason before."""
    fresh: bool = await tx.fetchval("select core.set_gate($1, $2, null, $3, '', $4)", connection, PAUSED, now, message)
    return fresh


async def resume(tx: state.DbConnection, connection: str, now: datetime) -> bool:
    """Lifts this reason and no other; false when it was not there."""
    lifted: bool = await tx.fetchval("select core.clear_gate($1, $2, $3)", connection, PAUSED, now)
    return lifted


async def work_again(tx: state.DbConnection, connection: str, now: datetime) -> None:
    """A try went well: the vendor is there, and takes the account."""
    await tx.execute("select core.clear_gate($1, $2, $3)", connection, gates.REFUSED, now)
    await tx.execute("select core.clear_gate($1, $2, $3)", connection, gates.VENDOR_AWAY, now)
    await tx.execute("delete from flow.vendor_probe where connection = $1", connection)
    await tx.execute("select pg_notify('work', '')")


async def forget(tx: state.DbConnection, connection: str, now: datetime) -> None:
    """The connection is gone, so nothing of it waits any more."""
    await tx.execute("delete from core.gate where connection = $1", connection)
    await tx.execute("delete from flow.vendor_probe where connection = $1", connection)
    await tx.execute(
        "update core.notification set resolved_at = $2 where connection = $1 and resolved_at is null", connection, now
    )
