"""Every wait on the database has an end, and what cannot be stored never breaks a transaction."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import datetime

import asyncpg
import pytest

from common.state.pool import Pool, PoolStuck, close_pool, connection, open_pool, transaction, watch
from common.state.trouble import DATABASE_ERRORS, DatabaseTrouble, trouble_of
from tests.support.bus import until
from tests.support.database import Database
from tests.support.proxy import proxy_to


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    opened = await open_pool(database.url("service"), name="pool-test", size=2)
    yield opened
    await close_pool(opened)


class TestOpenPool:
    async def test_sessions_are_named_and_bounded_on_the_server(self, pool: Pool) -> None:
        async with connection(pool) as link:
            settings = {
                name: await link.fetchval(f"show {name}")
                for name in (
                    "application_name",
                    "statement_timeout",
                    "lock_timeout",
                    "idle_in_transaction_session_timeout",
                    "tcp_keepalives_idle",
                    "timezone",
                )
            }
        assert settings == {
            "application_name": "pool-test",
            "statement_timeout": "9s",
            "lock_timeout": "5s",
            "idle_in_transaction_session_timeout": "30s",
            "tcp_keepalives_idle": "20",
            "timezone": "UTC",
        }

    async def test_json_goes_in_and_out_as_it_is(self, pool: Pool) -> None:
        value = {"text": "\N{SNOWMAN} \\u0000", "list": [1, None, True], "deep": {"amount": "10.10"}}
        async with connection(pool) as link:
            assert await link.fetchval("select $1::jsonb", value) == value
            assert await link.fetchval("select $1::json", value) == value
            assert await link.fetchval("select $1::jsonb ->> 'text'", value) == value["text"]

    async def test_nul_and_half_a_surrogate_do_not_break_json(self, pool: Pool) -> None:
        async with connection(pool) as link:
            stored = await link.fetchval("select $1::jsonb", {"a\0b": "x\ud83dy\0"})
        assert stored == {"a\ufffdb": "x\ufffdy\ufffd"}

    async def test_a_wrong_address_fails_here(self) -> None:
        with pytest.raises(OSError):
            await open_pool("postgresql://127.0.0.1:1/x", name="x")


class TestPlans:
    async def test_are_made_anew_for_tables_that_have_grown(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("common.state.pool.PLANS_LAST_S", 1)
        pool = await open_pool(database.url("service"), name="pool-test", size=1)

        async def made() -> list[datetime]:
            async with connection(pool) as link:
                await link.fetch("select 42 as planned")
                # A plain statement, so that it is no prepared one itself.
                (told,) = await link.fetch(
                    "select array_agg(prepare_time) as at from pg_prepared_statements where statement like '%42 as planned'"
                )
            return list(told["at"])

        (first,) = await made()

        async def anew() -> bool:
            (now,) = await made()
            return now > first

        await until(anew, "a new plan", within=20)
        await close_pool(pool)


class TestTransaction:
    async def test_ends_with_all_or_nothing(self, pool: Pool, database: Database) -> None:
        owner = await asyncpg.connect(database.owner_url)
        await owner.execute("create table flow.t (id int primary key)")
        await owner.close()
        with pytest.raises(ZeroDivisionError):
            async with transaction(pool) as tx:
                await tx.execute("insert into flow.t values (1)")
                raise ZeroDivisionError
        async with transaction(pool) as tx:
            assert await tx.fetchval("select count(*) from flow.t") == 0

    async def test_a_cancelled_one_gives_its_connection_back(self, pool: Pool) -> None:
        async def hang() -> None:
            async with transaction(pool) as tx:
                await tx.execute("select pg_sleep(60)")

        for _ in range(6):
            task = asyncio.create_task(hang())
            await asyncio.sleep(0.02)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        async with transaction(pool) as tx:
            assert await tx.fetchval("select 1") == 1

    async def test_an_exhausted_pool_says_so_in_time(self, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
        async with transaction(pool), transaction(pool):
            # Not before: a busy machine takes longer than that for a new connection.
            monkeypatch.setattr("common.state.pool.ACQUIRE_TIMEOUT_S", 0.2)
            with pytest.raises(TimeoutError) as late:
                async with transaction(pool):
                    pass
        assert trouble_of(late.value) is DatabaseTrouble.AWAY


class TestAway:
    async def test_a_link_that_dies_is_away_and_the_next_works(self, database: Database) -> None:
        async with proxy_to(database.server.address) as proxy:
            url = database.url("service").replace(database.server.address, f"127.0.0.1:{proxy.port}")
            pool = await open_pool(url, name="x", size=1)
            proxy.cut()
            for _ in range(2):
                with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)) as lost:
                    async with transaction(pool) as tx:
                        await tx.fetchval("select 1")
                assert trouble_of(lost.value) is DatabaseTrouble.AWAY
            proxy.mend()
            async with transaction(pool) as tx:
                assert await tx.fetchval("select 1") == 1
            await close_pool(pool)

    async def test_a_database_that_takes_nobody_while_it_is_put_back_is_away(
        self, pool: Pool, database: Database
    ) -> None:
        admin = await asyncpg.connect(database.server.url("admin", "postgres"))
        await admin.execute(f"alter database {database.name} allow_connections false")
        await admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", database.name)
        for _ in range(2):
            with pytest.raises(DATABASE_ERRORS) as lost:
                async with transaction(pool) as tx:
                    await tx.fetchval("select 1")
            assert trouble_of(lost.value) is DatabaseTrouble.AWAY
        await admin.execute(f"alter database {database.name} allow_connections true")
        await admin.close()
        async with transaction(pool) as tx:
            assert await tx.fetchval("select 1") == 1

    async def test_a_statement_in_the_wrong_moment_is_not_away(self, pool: Pool, database: Database) -> None:
        owner = await asyncpg.connect(database.owner_url)
        await owner.execute("create sequence flow.s")
        with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError) as early:
            await owner.fetchval("select currval('flow.s')")
        await owner.close()
        assert trouble_of(early.value) is DatabaseTrouble.OURS

    async def test_closing_does_not_wait_for_a_statement(self, database: Database) -> None:
        pool = await open_pool(database.url("service"), name="x", size=1)

        async def hang() -> None:
            async with connection(pool) as link:
                await link.execute("select pg_sleep(8)")

        task = asyncio.create_task(hang())
        await asyncio.sleep(0.1)
        began = time.monotonic()
        await close_pool(pool, within=0.3)
        assert time.monotonic() - began < 6
        await asyncio.wait({task})
        assert task.exception() is not None


class TestWatch:
    async def test_notices_slots_that_do_not_come_back(self, pool: Pool) -> None:
        async with transaction(pool), transaction(pool):
            with pytest.raises(PoolStuck, match="All 2 database connections"):
                await asyncio.wait_for(watch(pool, stuck_after=0.3, every=0.1), 30)

    async def test_is_quiet_while_connections_come_back(self, pool: Pool) -> None:
        # Much longer than a connection is out here, and shorter than the whole lasts.
        watching = asyncio.create_task(watch(pool, stuck_after=2.0, every=0.05))
        for _ in range(25):
            async with transaction(pool), transaction(pool):
                await asyncio.sleep(0.1)
        assert not watching.done()
        watching.cancel()
