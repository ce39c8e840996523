"""The rows of `core.connection`, each with its gates and with how it is being connected."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from common.contracts.connections import Connection
from common.contracts.ids import ConnectionId, VendorName
from common.state import pool as state

ConnectionState = Literal["connecting", "active", "deleting", "deleted"]


@dataclass(frozen=True, slots=True)
class GateRow:
    """One reason why the connection's work waits."""

    reason: str
    until: datetime | None
    code: str
    message: str
    set_at: datetime
    place: str = ""
    """Where it holds; empty: everywhere."""


@dataclass(frozen=True, slots=True)
class ConnectingRow:
    """How a connection was connected last, or is just now."""

    consent: str
    state: Literal["open", "done", "ended"]
    place: str
    began_at: datetime
    tries: int
    next_try_at: datetime
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class ConnectionRow:
    """A connection as it is stored."""

    id: str
    vendor: str
    name: str
    state: ConnectionState
    details: Mapping[str, str]
    capabilities: tuple[str, ...]
    created_at: datetime
    created_by: str
    updated_at: datetime
    tested_at: datetime | None
    test_result: str
    gates: tuple[GateRow, ...] = ()
    connecting: ConnectingRow | None = None

    def for_calls(self, details: Mapping[str, str] | None = None) -> Connection:
        """The value that vendors know; with other details while they are being tried."""
        shown = {name: str(value) for name, value in (self.details if details is None else details).items()}
        return Connection(
            ConnectionId(self.id), VendorName(self.vendor), self.name, self.state, shown, frozenset(self.capabilities)
        )


@dataclass(frozen=True, slots=True)
class WantedConnection:
    """Which connections a list shows."""

    name: str = ""
    vendor: str = ""
    state: str = ""
    after: tuple[str, str] | None = None
    limit: int = 50


_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_COLUMNS = (
    """id, vendor, name, state, details, capabilities, created_at, created_by, updated_at, tested_at, test_result"""
)


def fresh_id(vendor: str) -> str:
    """It stands in topics, spans and webhook addresses: the vendor may be read there, the account's name may not."""
    return f"{vendor}-{''.join(secrets.choice(_LETTERS) for _ in range(8))}"


async def read(tx: state.DbConnection, connection: str, *, lock: bool = False) -> ConnectionRow | None:
    """The connection, whatever its state; locked against everybody who would change or use it."""
    rows = await tx.fetch(
        f"select {_COLUMNS} from core.connection where id = $1{' for update' if lock else ''}",  # noqa: S608
        connection,
    )
    return (await _whole(tx, rows))[0] if rows else None


async def named(tx: state.DbConnection, name: str) -> ConnectionRow | None:
    """The connection that people call so now."""
    rows = await tx.fetch(
        f"select {_COLUMNS} from core.connection where name = $1 and state <> 'deleted'",  # noqa: S608
        name,
    )
    return (await _whole(tx, rows))[0] if rows else None


async def page(tx: state.DbConnection, wanted: WantedConnection) -> Sequence[ConnectionRow]:
    """A page in the order of names, one row longer than asked where there are more."""
    after = wanted.after or ("", "")
    rows = await tx.fetch(
        f"""select {_COLUMNS} from core.connection
             where state <> 'deleted' and (name, id) > ($1, $2)
               and ($3 = '' or name = $3) and ($4 = '' or vendor = $4) and ($5 = '' or state = $5)
             order by name, id limit $6""",  # noqa: S608
        *after,
        wanted.name,
        wanted.vendor,
        wanted.state,
        wanted.limit + 1,
    )
    return await _whole(tx, rows)


async def in_state(tx: state.DbConnection, wanted: ConnectionState) -> Sequence[str]:
    """The ids of all connections in a state."""
    return [row["id"] for row in await tx.fetch("select id from core.connection where state = $1", wanted)]


async def insert(tx: state.DbConnection, fresh: ConnectionRow) -> bool:
    """A new row; false when the name is taken."""
    done = await tx.execute(
        """insert into core.connection (id, vendor, name, state, created_at, created_by, updated_at)
           values ($1, $2, $3, 'connecting', $4, $5, $4)
           on conflict (name) where state <> 'deleted' do nothing""",
        fresh.id,
        fresh.vendor,
        fresh.name,
        fresh.created_at,
        fresh.created_by,
    )
    return str(done) == "INSERT 0 1"


async def discard(tx: state.DbConnection, connection: str) -> None:
    """Takes back a row that never became anything."""
    await tx.execute("delete from core.connection where id = $1 and state = 'connecting'", connection)


async def rename(tx: state.DbConnection, connection: str, name: str, now: datetime) -> None:
    """Gives it another name; a taken one is a UniqueViolationError."""
    await tx.execute(
        "update core.connection set name = $2, updated_at = $3 where id = $1 and name <> $2", connection, name, now
    )


async def activate(
    tx: state.DbConnection, connection: str, details: Mapping[str, str], account: str, now: datetime
) -> bool:
    """It was tried and works: its details are those of the grant, its account the vendor's. False when it was deleted meanwhile.

    What was kept under its id until now moves to the account in the same transaction.
    """
    done = await tx.execute(
        """update core.connection set state = 'active', details = $2, account = $4, updated_at = $3, tested_at = $3, test_result = ''
            where id = $1 and state in ('connecting', 'active')""",
        connection,
        dict(details),
        now,
        account,
    )
    return str(done) == "UPDATE 1"


async def tested(tx: state.DbConnection, connection: str, result: str, now: datetime) -> None:
    """What the last try said; empty when it worked."""
    await tx.execute(
        "update core.connection set tested_at = $3, test_result = $2 where id = $1", connection, result, now
    )


async def mark(tx: state.DbConnection, connection: str, wanted: ConnectionState, now: datetime) -> None:
    """Another state of its life."""
    await tx.execute(
        "update core.connection set state = $2, updated_at = $3 where id = $1 and state <> $2", connection, wanted, now
    )


async def active_syncs(tx: state.DbConnection, connection: str) -> Sequence[tuple[str, str]]:
    """Id and name of the syncs that are switched on and use it."""
    rows = await tx.fetch(
        """select id, name from core.sync
            where (source_connection = $1 or target_connection = $1) and state in ('active', 'paused') order by name""",
        connection,
    )
    return [(row["id"], row["name"]) for row in rows]


async def _whole(tx: state.DbConnection, rows: Iterable[Mapping[str, Any]]) -> list[ConnectionRow]:
    found = list(rows)
    ids = [row["id"] for row in found]
    gates = await _gates(tx, ids)
    connecting = await _connecting(tx, ids)
    return [_row(row, tuple(gates.get(row["id"], ())), connecting.get(row["id"])) for row in found]


async def _gates(tx: state.DbConnection, ids: Sequence[str]) -> Mapping[str, list[GateRow]]:
    rows = await tx.fetch(
        "select connection, reason, place, until, code, message, set_at from core.gate where connection = any($1) order by reason, place",
        list(ids),
    )
    gates: dict[str, list[GateRow]] = {}
    for row in rows:
        gate = GateRow(row["reason"], row["until"], row["code"], row["message"], row["set_at"], row["place"])
        gates.setdefault(row["connection"], []).append(gate)
    return gates


async def _connecting(tx: state.DbConnection, ids: Sequence[str]) -> Mapping[str, ConnectingRow]:
    rows = await tx.fetch(
        """select connection, consent, state, place, began_at, tries, next_try_at, code, message
             from core.connecting where connection = any($1)""",
        list(ids),
    )
    return {row["connection"]: ConnectingRow(*tuple(row)[1:]) for row in rows}


def _row(row: Mapping[str, Any], gates: tuple[GateRow, ...], connecting: ConnectingRow | None) -> ConnectionRow:
    given = {name: row[name] for name in row.keys()}  # noqa: SIM118
    given |= {"details": dict(row["details"]), "capabilities": tuple(row["capabilities"])}
    return ConnectionRow(**given, gates=gates, connecting=connecting)
