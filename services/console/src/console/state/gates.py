"""The gates that people close and open; the function in the database writes the notification with them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from common.contracts.syncs import Leg
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


RESTS = "Leg {leg} rests, because the account has not what it needs. Apply the sync again once it has; what waits goes on then."


async def legs_again(tx: state.DbConnection, sync: str, resting: Sequence[Leg], now: datetime) -> None:
    """A person has applied the sync once more: what was refused for all that a leg would write is tried at once, and what the account is known
    to have no more is not tried."""
    opened = await tx.fetch(
        "delete from core.gate where reason = $1 and starts_with(place, $2) returning connection",
        gates.REFUSED,
        gates.of_leg(sync, ""),
    )
    await tx.execute(
        """
        update core.notification n set resolved_at = $2
         where n.connection = any($1::text[]) and n.kind = 'gate.refused' and n.resolved_at is null
           and not exists (select from core.gate g where g.connection = n.connection and g.reason = 'refused')
        """,
        [row["connection"] for row in opened], now,
    )  # fmt: skip
    for leg in resting:
        await gates.refuse(tx, leg.target, gates.of_leg(sync, leg.name), "", RESTS.format(leg=leg.name), now)
    if opened:
        await tx.execute("select pg_notify('work', '')")


async def forget(tx: state.DbConnection, connection: str, now: datetime) -> None:
    """The connection is gone, so nothing of it waits any more."""
    await tx.execute("delete from core.gate where connection = $1", connection)
    await tx.execute("delete from flow.vendor_probe where connection = $1", connection)
    await tx.execute(
        "update core.notification set resolved_at = $2 where connection = $1 and resolved_at is null", connection, now
    )
