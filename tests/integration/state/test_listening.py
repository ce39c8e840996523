"""Whoever listens hears of every change of the configuration, also of what changed while its connection was lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from common.contracts.ids import ConnectionId, Entity, RecordId
from common.state.listening import CONFIGURATION, listen
from common.state.pool import Pool, close_pool, connection, open_pool, transaction
from common.state.read_requests import READS, ReadRequest, ask
from tests.support.database import Database

CONNECT = (
    "insert into core.connection (id, vendor, name, created_at, updated_at) values ($1, 'mailchimp', $1, now(), now())"
)
LOSE = """
select pg_terminate_backend(pid) from pg_stat_activity
 where application_name = 'listens' and query ilike 'listen%'
"""


class Ear:
    """Counts what it hears."""

    def __init__(self) -> None:
        self.heard = 0

    def hear(self) -> None:
        self.heard += 1

    async def until(self, times: int) -> None:
        async with asyncio.timeout(60):
            while self.heard < times:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)


@asynccontextmanager
async def listening(database: Database, channel: str = CONFIGURATION) -> AsyncIterator[tuple[Ear, Pool]]:
    """An ear that has begun to listen, and a pool that may do anything."""
    ear, stopping = Ear(), asyncio.Event()
    pool = await open_pool(database.url("service"), name="listens", size=2)
    admin = await open_pool(database.admin_url, name="admin", size=1)
    task = asyncio.create_task(listen(pool, [channel], ear.hear, stopping))
    try:
        await ear.until(1)
        yield ear, admin
    finally:
        stopping.set()
        await asyncio.wait_for(task, 30)
        await close_pool(pool)
        await close_pool(admin)


async def execute(pool: Pool, sql: str, *values: object) -> None:
    async with connection(pool) as link:
        await link.execute(sql, *values)


class TestListening:
    async def test_whoever_reads_hears_of_a_request(self, database: Database) -> None:
        now = datetime.now(UTC)
        request = ReadRequest(ConnectionId("books"), Entity("customer"), RecordId("1"), "owed", now)
        async with listening(database, READS) as (ear, admin):
            for heard in (2, 3):
                async with transaction(admin) as tx:
                    await ask(tx, [request], now)
                await ear.until(heard)

    async def test_hears_of_a_change(self, database: Database) -> None:
        async with listening(database) as (ear, admin):
            await execute(admin, CONNECT, "one")
            await ear.until(2)

    async def test_a_lost_connection_is_opened_again_and_counts_as_heard(self, database: Database) -> None:
        async with listening(database) as (ear, admin):
            await execute(admin, LOSE)
            await ear.until(2)
            await execute(admin, CONNECT, "two")
            await ear.until(3)
