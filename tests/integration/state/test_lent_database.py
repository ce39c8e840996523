"""A database that is lent on is as a fresh copy, whatever its last guest has done; the judge is the server's own program that writes a database out."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest

from millrace.stack.postgres import find_programs
from tests.support.database import Server
from tests.support.leftovers import Leftovers
from tests.support.lending import Lender

ROW = "insert into core.connection (id, vendor, name, state, created_at, updated_at) values ('left', 'mailchimp', 'left', 'active', now(), now());"
OF_ROW = "insert into core.gate (connection, reason, set_at) values ('left', 'paused', now());"
LASTING = """
insert into core.sync (id, name, template, source_connection, target_connection, created_at, updated_at)
    values ('left', 'left', 'left', 'left', 'left', now(), now());
insert into core.leg (sync, name, source_connection, source_entity, target_connection, target_entity)
    values ('left', 'left', 'left', 'left', 'left', 'left');
insert into core.mapping_version (sync, version, leg, definition, created_at) values ('left', 1, 'left', '{}', now());
"""
MENDED = {
    "rows, of which some can neither be changed nor deleted, and the revision that counts them": ROW + OF_ROW + LASTING,
    "a row that was rolled back": f"begin; {ROW} rollback;",
    "a row of the migrations that is gone": "delete from flow.offset_era",
    "sequences": "select nextval('flow.run_number'), nextval('flow.journal_id_seq')",
    "statistics": f"{ROW} analyze; delete from core.connection",
    "a table of the session": "create temp table left_behind ()",
}
# Of the database itself, by its name of the moment.
OF_ITSELF = "do $$ begin execute format('{}', current_database()); end $$"
SEEN = {
    "a table": "create table flow.left_behind ()",
    "a table less": "drop table flow.pair cascade",
    "a month of the journal": "select flow.make_journal_month('2001-01-01')",
    "a column": "alter table core.connection add column left_behind text",
    "an index less": "drop index core.connection_name",
    "a function": "create or replace function core.config_changed() returns trigger language plpgsql as 'begin return null; end'",
    "a trigger": "alter table core.connection disable trigger connection_changed",
    "a right": "grant delete on flow.journal to millrace_service",
    "a right on a column": "grant update (name) on core.connection to millrace_broker",
    "a setting of a table": "alter table core.connection set (autovacuum_enabled = off)",
    "a setting of a role": OF_ITSELF.format("alter role millrace_service in database %I set work_mem = 64"),
    "a setting": OF_ITSELF.format("alter database %I set work_mem = 64"),
    "a right on the database": OF_ITSELF.format("grant create on database %I to millrace_service"),
    "a schema": "create schema left_behind",
}
ESTIMATES = """
select array_agg(c.relname || ' ' || c.reltuples || ' ' || (s.starelid is not null) order by c.oid)
from pg_class c left join pg_statistic s on s.starelid = c.oid where c.relkind = 'r' and c.relname in ('connection', 'gate', 'journal_other')
"""


@pytest.fixture(scope="module")
def lender(database_server: Server, database_template: str) -> Iterator[Lender]:
    made = Lender(
        lambda name: database_server.create(name, template=database_template),
        database_server.drop,
        lambda name: database_server.url("admin", name),
    )
    yield made
    made.close()


class TestLender:
    @pytest.mark.parametrize("left", MENDED)
    def test_takes_away_what_was_left(self, lender: Lender, left: str) -> None:
        with lender.lent() as name:
            copied, fresh = lender.copied, _written_out(lender, name)
            _execute(lender, name, MENDED[left])
        with lender.lent() as again:
            assert lender.copied == copied
            assert _written_out(lender, again) == fresh
            assert _execute(lender, again, ESTIMATES) == [
                "connection -1 false",
                "gate -1 false",
                "journal_other -1 false",
            ]

    def test_lends_another_where_more_than_rows_has_changed(self, lender: Lender) -> None:
        with lender.lent() as name:
            copied = lender.copied
            _execute(lender, name, SEEN["a table"])
        with lender.lent():
            assert lender.copied == copied + 1

    def test_is_not_deceived_by_another_of_the_name(self, lender: Lender) -> None:
        with lender.lent() as name:
            copied = lender.copied
            asyncio.run(lender.drop(name))
            asyncio.run(lender.create(name))
        with lender.lent():
            assert lender.copied == copied + 1

    async def test_ends_who_outlives_the_loan(self, lender: Lender) -> None:
        with lender.lent() as name:
            outliving = await asyncpg.connect(lender.url(name))
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
            await outliving.execute(ROW)
        with lender.lent(), pytest.raises(asyncpg.InvalidCatalogNameError):
            await asyncpg.connect(lender.url(name))

    def test_lends_several_at_once(self, lender: Lender) -> None:
        with lender.lent() as one, lender.lent() as other:
            _execute(lender, one, ROW)
            assert _execute(lender, other, "select count(*) from core.connection") == 0


class TestLeftovers:
    @pytest.mark.parametrize("changed", SEEN)
    async def test_sees_what_is_not_rows(self, lender: Lender, changed: str) -> None:
        with lender.lent() as name:
            link = await asyncpg.connect(lender.url(name))
            fresh = (await Leftovers(link).state()).shape
            await link.execute(f"begin; {SEEN[changed]}")
            assert (await Leftovers(link).state()).shape != fresh
            await link.execute("rollback")
            assert (await Leftovers(link).state()).shape == fresh
            await link.close()


def _execute(lender: Lender, name: str, statement: str) -> Any:
    """The first value it tells, where it tells any."""

    async def execute() -> Any:
        link = await asyncpg.connect(lender.url(name))
        try:
            return await (
                link.fetchval(statement) if statement.lstrip().startswith("select") else link.execute(statement)
            )
        finally:
            await link.close()

    return asyncio.run(execute())


def _written_out(lender: Lender, name: str) -> list[str]:
    """Every definition, right, row and sequence, but for the database's name and the key of this writing."""
    program = find_programs(dict(os.environ)).folder / "pg_dump"
    done = subprocess.run([program, "--create", lender.url(name)], capture_output=True, text=True, check=True)
    lines = done.stdout.replace(name, "it").splitlines()
    return [line for line in lines if not line.startswith(("\\restrict", "\\unrestrict"))]
