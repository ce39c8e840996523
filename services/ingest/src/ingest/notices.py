"""What people have to know of a connection, though nothing has failed: told once, until its reason is gone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import structlog

from common.contracts.ids import ConnectionId
from common.state.pool import DbConnection
from vendors.notices import AccountNotice

_log = structlog.get_logger(__name__)


async def tell(tx: DbConnection, connection: ConnectionId, notices: Iterable[AccountNotice], now: datetime) -> None:
    """One that stands already is not told again."""
    for one in notices:
        if await tx.fetchval("select core.tell($1, $2, $3, $4, $5)", connection, one.kind, one.code, one.message, now):
            _log.warning("connection.notice", connection=connection, kind=one.kind, code=one.code, reason=one.message)


async def untell(tx: DbConnection, connection: ConnectionId, kinds: Iterable[str], now: datetime) -> None:
    """These have no reason any more."""
    for kind in sorted(kinds):
        await tx.execute("select core.untell($1, $2, $3)", connection, kind, now)
