"""What an error of the database means: it is away and comes back, it does not fit this program, or it is about the rows.

One table from SQLSTATE to meaning; everything that asks "wait, stop, or blame the record?" asks here.
"""

from __future__ import annotations

from enum import Enum, auto

import asyncpg


class DatabaseTrouble(Enum):
    """Who has to do something about an error."""

    AWAY = auto()
    """The database is unreachable, overloaded, restarting or read-only: the same work succeeds later."""
    UNFIT = auto()
    """The schema or the rights are not those of this version: nothing will succeed until somebody repairs that."""
    OURS = auto()
    """The statement or its values are wrong: the same work fails again."""


# 08 connection, 25006 read-only, 28 sign-in, 40 serialisation and deadlock, 53 resources, 55P03 lock, 57 operator
# (57014 is also the statement timeout), 58 system error of the server, 25P03 idle in transaction.
_AWAY = ("08", "25006", "25P03", "28", "40", "53", "55P03", "57", "58")
# Missing schema, database, table, column, function; missing rights.
_UNFIT = ("3D000", "3F000", "42P01", "42703", "42883", "42501")

_BROKEN_CONNECTION = (
    "connection is closed",
    "connection was closed",
    "pool is closing",
    "pool is closed",
    "connection has been released",
    # The server's last words are being read while the line is cut, and whoever has the connection next finds it busy.
    "another operation is in progress",
)


# For `except`: whatever may come from the database. Catching it decides nothing yet: `is_away` does, or `trouble_of`.
DATABASE_ERRORS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)


def is_away(error: BaseException) -> bool:
    """Whether waiting mends it; whoever catches anything else raises it again, or a missing table is waited for for ever."""
    return trouble_of(error) is DatabaseTrouble.AWAY


def trouble_of(error: BaseException) -> DatabaseTrouble | None:
    """What a database error means; None when it is not an error of the database at all."""
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        return (
            DatabaseTrouble.AWAY
            if state.startswith(_AWAY) or _takes_nobody(error)
            else DatabaseTrouble.UNFIT
            if state in _UNFIT
            else DatabaseTrouble.OURS
        )
    if isinstance(error, asyncpg.InterfaceError):
        broken = any(words in str(error) for words in _BROKEN_CONNECTION)
        return DatabaseTrouble.AWAY if broken else DatabaseTrouble.OURS
    if isinstance(error, asyncpg.InternalClientError):
        return DatabaseTrouble.AWAY
    # asyncpg raises the built-in ones for a refused or lost connection and for its own time limits.
    if isinstance(error, OSError | TimeoutError):
        return DatabaseTrouble.AWAY
    return None


def _takes_nobody(error: asyncpg.PostgresError) -> bool:
    # While a database is put back or cloned it takes no connections. Of a statement the same state means a wrong statement;
    # FATAL, which comes in no other language, says that it was the session that was refused.
    return error.sqlstate == "55000" and getattr(error, "severity_en", None) == "FATAL"
