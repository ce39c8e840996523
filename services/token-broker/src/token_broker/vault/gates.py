"""The gates that a credential closes over its connection's work, and opens again; always in the transaction that tells why."""

from __future__ import annotations

from datetime import datetime

from common.state import pool as state
from token_broker.vault.open_credential import CredentialStatus
from vendors.grant import NotGranted


async def close_gate(
    tx: state.DbConnection,
    standing: CredentialStatus,
    reason: str,
    until: datetime | None,
    said: NotGranted,
    now: datetime,
) -> None:
    """Holds the connection's work back; the first time it also tells a person."""
    await tx.execute(
        "select core.set_gate($1, $2, $3, $4, $5, $6)",
        standing.connection,
        reason,
        until,
        now,
        said.code,
        sentence(said),
    )
    await tx.execute(
        "update vault.credential set closed = array_append(array_remove(closed, $2), $2) where connection = $1",
        standing.connection,
        reason,
    )


async def reopen_gates(tx: state.DbConnection, connection: str, now: datetime) -> None:
    """Lifts what we closed, and nothing that anybody else did."""
    closed = await tx.fetchval("select closed from vault.credential where connection = $1", connection)
    for reason in closed or ():
        await tx.execute("select core.clear_gate($1, $2, $3)", connection, reason, now)
    if closed:
        await tx.execute("update vault.credential set closed = '{}' where connection = $1", connection)


def sentence(said: NotGranted) -> str:
    """What a person reads of a vendor's no."""
    return f"{said.message} The vendor said: {said.words}" if said.words else said.message
