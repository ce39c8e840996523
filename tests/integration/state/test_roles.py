"""Each role reaches what is its own and nothing else; a table made later is covered without a word about it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from common.state.migration import migrate
from common.state.roles import verifier
from tests.support.database import Database, Databases, in_a_loop

DENIED = asyncpg.InsufficientPrivilegeError


@asynccontextmanager
async def signed_in(url: str) -> AsyncIterator[Any]:
    link = await asyncpg.connect(url)
    try:
        yield link
    finally:
        await link.close()


@pytest.fixture(scope="module")
def vault(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A vault with a table from the broker's own migrations; of those who look at it only the broker may change anything."""
    folder = tmp_path_factory.mktemp("vault")
    (folder / "0001_secret.sql").write_text(
        "create table vault.secret (id int primary key, sealed bytea);"
        "insert into vault.secret values (1, 'sealed');"
        "create function vault.open_sesame() returns bytea language sql security definer "
        "as $$ select sealed from vault.secret $$;"
    )
    with databases() as lent:
        assert in_a_loop(migrate(lent.url("broker"), folder, "vault")) == ["0001_secret"]
        yield lent


class TestVault:
    async def test_the_broker_reads_and_writes_its_own(self, vault: Database) -> None:
        async with signed_in(vault.url("broker")) as link:
            await link.execute("update vault.secret set sealed = 'again'")
            assert await link.fetchval("select sealed from vault.secret") == b"again"

    @pytest.mark.parametrize("role", ["service", "console"])
    @pytest.mark.parametrize(
        "statement",
        [
            "select * from vault.secret",
            "select vault.open_sesame()",
            "select * from vault.applied_migration",
            "create table vault.mine (id int)",
            "grant select on vault.secret to public",
            "set role millrace_broker",
        ],
    )
    async def test_no_other_role_gets_in(self, vault: Database, role: str, statement: str) -> None:
        async with signed_in(vault.url(role)) as link:  # type: ignore[arg-type]
            with pytest.raises(DENIED):
                await link.execute(statement)

    async def test_not_even_the_owner_of_the_other_tables(self, vault: Database) -> None:
        async with signed_in(vault.owner_url) as link:
            with pytest.raises(DENIED):
                await link.execute("select * from vault.secret")

    @pytest.mark.parametrize(
        "statement",
        [
            "select * from flow.dead_letter",
            "select * from flow.applied_migration",
            "create table flow.mine (id int)",
            "create table core.mine (id int)",
            "create table public.mine (id int)",
            "create schema mine",
        ],
    )
    async def test_the_broker_reaches_nothing_else(self, vault: Database, statement: str) -> None:
        async with signed_in(vault.url("broker")) as link:
            with pytest.raises(DENIED):
                await link.execute(statement)


class TestLaterTables:
    @pytest.fixture(autouse=True)
    async def tables(self, database: Database) -> None:
        async with signed_in(database.owner_url) as link:
            await link.execute("create table core.later (id int generated always as identity, name text)")
            await link.execute("create table flow.later (id int generated always as identity, name text)")
            await link.execute(
                "create function core.later_count() returns bigint language sql as 'select count(*) from core.later'"
            )

    async def test_of_core_services_only_read(self, database: Database) -> None:
        async with signed_in(database.url("service")) as link:
            assert await link.fetch("select * from core.later") == []
            for statement in (
                "insert into core.later (name) values ('x')",
                "delete from core.later",
                "truncate core.later",
            ):
                with pytest.raises(DENIED):
                    await link.execute(statement)

    async def test_of_core_the_console_writes(self, database: Database) -> None:
        async with signed_in(database.url("console")) as link:
            await link.execute("insert into core.later (name) values ('x')")
            assert await link.fetchval("select core.later_count()") == 1

    async def test_of_flow_services_write_and_the_console_reads(self, database: Database) -> None:
        async with signed_in(database.url("service")) as link:
            await link.execute("insert into flow.later (name) values ('x')")
        async with signed_in(database.url("console")) as link:
            assert await link.fetchval("select count(*) from flow.later") == 1
            with pytest.raises(DENIED):
                await link.execute("update flow.later set name = 'y'")

    @pytest.mark.parametrize("statement", ["select * from core.later", "select core.later_count()"])
    async def test_of_core_the_broker_sees_nothing(self, database: Database, statement: str) -> None:
        async with signed_in(database.url("broker")) as link:
            with pytest.raises(DENIED):
                await link.execute(statement)

    async def test_the_broker_calls_what_it_was_granted(self, database: Database) -> None:
        async with signed_in(database.owner_url) as link:
            await link.execute(
                "create function core.set_x(name text) returns void language sql security definer "
                "as 'insert into core.later (name) values (name)'"
            )
            await link.execute("grant execute on function core.set_x(text) to millrace_broker")
        async with signed_in(database.url("broker")) as link:
            await link.execute("select core.set_x('y')")
        async with signed_in(database.url("service")) as link:
            with pytest.raises(DENIED):
                await link.execute("select core.set_x('z')")


class TestDatabase:
    async def test_a_stranger_does_not_get_in(self, database: Database) -> None:
        async with signed_in(database.admin_url) as link:
            await link.execute(
                f"drop role if exists stranger; create role stranger login password '{verifier('s', b'salt' * 4)}'"
            )
        url = database.url("service").split("@")[1]
        with pytest.raises(DENIED):
            await asyncpg.connect(f"postgresql://stranger:s@{url}")

    async def test_no_role_is_more_than_it_should_be(self, database: Database) -> None:
        async with signed_in(database.owner_url) as link:
            rows = await link.fetch(
                "select rolsuper or rolcreaterole or rolcreatedb or rolbypassrls or rolreplication from pg_roles "
                "where rolname = any(array['millrace_service', 'millrace_console', 'millrace_broker'])"
            )
        assert [row[0] for row in rows] == [False, False, False]
