"""The caretaker waits for a database that is away, and hides nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, cast

import asyncpg
import pytest
import structlog

from common.loops import Loop
from console.use_cases.caretaker import EVERY_S, Caretaker

AWAY = asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
UNFIT = asyncpg.UndefinedTableError('relation "core.connecting" does not exist')
NO_RIGHT = asyncpg.InsufficientPrivilegeError("permission denied for table connecting")
OURS = asyncpg.DataError("invalid input")


class Link:
    """A connection that lists two roads and remembers what was written."""

    def __init__(self) -> None:
        self.written: list[tuple[Any, ...]] = []

    async def fetch(self, *_: object) -> list[dict[str, str]]:
        return [{"connection": "one"}, {"connection": "two"}]

    async def execute(self, statement: str, *values: object) -> str:
        if "'ended'" in statement:
            self.written.append(values)
        return "UPDATE 1"


class Pool:
    """A pool with that connection, or with none to give."""

    def __init__(self, error: Exception | None = None) -> None:
        self.link = Link()
        self._error = error

    @asynccontextmanager
    async def acquire(self, **_: object) -> AsyncIterator[Link]:
        if self._error is not None:
            raise self._error
        yield self.link


class Roads:
    """Settling one of them raises; the other is settled."""

    def __init__(self, error: Exception) -> None:
        self._error = error
        self.settled: list[str] = []

    async def settle(self, connection: str) -> None:
        if connection == "one":
            raise self._error
        self.settled.append(connection)


class Clock:
    def now(self) -> datetime:
        return datetime(2026, 3, 1, tzinfo=UTC)


class Idle:
    async def finish_all(self) -> None: ...

    async def sweep(self) -> None: ...


def caretaker(pool: Pool, roads: object) -> Caretaker:
    return Caretaker(cast(Any, pool), cast(Any, roads), cast(Any, Idle()), cast(Any, Clock()), structlog.get_logger())


async def looping(one: Caretaker) -> None:
    """As the service runs it."""
    await Loop("caretaker", EVERY_S, one.step).run(asyncio.Event())


class TestCaretaker:
    @pytest.mark.parametrize("error", [UNFIT, NO_RIGHT, OURS], ids=repr)
    async def test_a_missing_table_ends_the_service(self, error: Exception) -> None:
        with pytest.raises(type(error)):
            await asyncio.wait_for(looping(caretaker(Pool(error), Roads(OURS))), 30)

    async def test_a_database_that_is_away_is_waited_for(self) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(looping(caretaker(Pool(AWAY), Roads(OURS))), 0.3)

    @pytest.mark.parametrize("error", [OURS, KeyError("places")], ids=repr)
    async def test_our_own_fault_on_one_connection_is_told_there_and_stops_nobody(self, error: Exception) -> None:
        pool, roads = Pool(), Roads(error)
        await caretaker(pool, roads).settle_all()
        assert [(row[0], row[1]) for row in pool.link.written] == [("one", "API_FAULT")]
        assert roads.settled == ["two"]

    async def test_a_missing_table_found_by_one_connection_ends_the_service_too(self) -> None:
        with pytest.raises(asyncpg.UndefinedTableError):
            await caretaker(Pool(), Roads(UNFIT)).settle_all()
