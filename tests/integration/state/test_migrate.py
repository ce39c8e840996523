"""A database comes to this version once, or is refused with one clear sentence and left as it was."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from common.state.migration import MIGRATIONS, MigrationRefused, migrate, pending, read_migrations
from common.state.pool import close_pool, open_pool, transaction
from tests.support.database import Database
from tests.support.members import known_of

ALL = [migration.title for migration in read_migrations(MIGRATIONS)]


async def execute(url: str, *statements: str) -> None:
    link = await asyncpg.connect(url)
    try:
        for statement in statements:
            await link.execute(statement)
    finally:
        await link.close()


def starter(url: str, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "common.state.migrate", *words],
        env={**os.environ, "DATABASE_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, out + err


class TestMigrate:
    def test_two_starters_at_once_migrate_once(self, empty_database: Database) -> None:
        results = [ended(process) for process in [starter(empty_database.owner_url) for _ in range(2)]]
        assert [code for code, _ in results] == [0, 0], results
        said = sorted(text.strip() for _, text in results)
        assert said == ["Applied " + ", ".join(ALL), "The database is up to date."]

    async def test_many_starters_in_one_process_apply_each_file_once(self, empty_database: Database) -> None:
        applied = await asyncio.gather(*(migrate(empty_database.owner_url) for _ in range(5)))
        assert sorted(applied) == [[], [], [], [], ALL]

    async def test_a_migrated_database_needs_nothing_more(self, database: Database) -> None:
        link = await asyncpg.connect(database.url("service"))
        try:
            assert await pending(link) == []
        finally:
            await link.close()

    async def test_tells_what_an_empty_database_needs(self, empty_database: Database) -> None:
        link = await asyncpg.connect(empty_database.owner_url)
        try:
            assert await pending(link) == ALL
        finally:
            await link.close()

    async def test_a_file_that_fails_changes_nothing(self, database: Database, tmp_path: Path) -> None:
        (tmp_path / "0001_half.sql").write_text(
            "create table vault.first (id int); create table nowhere.second (id int);"
        )
        with pytest.raises(MigrationRefused, match="0001_half failed and changed nothing"):
            await migrate(database.url("broker"), tmp_path, "vault")
        link = await asyncpg.connect(database.url("broker"))
        try:
            assert await link.fetchval("select to_regclass('vault.first')") is None
        finally:
            await link.close()


class TestRefusals:
    async def test_a_newer_schema(self, database: Database) -> None:
        await execute(database.owner_url, "insert into flow.applied_migration values (9999, 'from_the_future', 'x')")
        code, said = ended(starter(database.owner_url))
        assert code == 1
        assert "newer version (to 9999_from_the_future)" in said
        assert "start the newer version" in said
        assert len(said.strip().splitlines()) == 1

    async def test_a_changed_file(self, database: Database) -> None:
        await execute(database.owner_url, "update flow.applied_migration set sha256 = 'other' where number = 1")
        code, said = ended(starter(database.owner_url))
        assert code == 1
        assert "0001_roles_and_schemas was changed after it was applied" in said

    async def test_tables_of_somebody_else(self, empty_database: Database) -> None:
        await execute(empty_database.owner_url, "create schema core", "create table core.customers (id int)")
        code, said = ended(starter(empty_database.owner_url))
        assert code == 1
        assert "core.customers" in said
        link = await asyncpg.connect(empty_database.owner_url)
        try:
            assert await link.fetchval("select to_regnamespace('flow')") is None
        finally:
            await link.close()

    @pytest.mark.parametrize(
        ("change", "code", "words"),
        [
            (lambda url: url.rpartition("/")[0] + "/no_such_database", 78, "does not exist"),
            (lambda url: url.replace("millrace_owner:", "millrace_owner:x"), 78, "was not accepted"),
            (lambda url: "postgresql://127.0.0.1:1/millrace", 75, "does not answer"),
            (lambda url: "mysql://127.0.0.1/millrace", 78, "cannot be used"),
            (lambda url: "", 78, "DATABASE_URL is missing"),
        ],
    )
    def test_a_wrong_address(self, empty_database: Database, change, code: int, words: str) -> None:  # type: ignore[no-untyped-def]
        done, said = ended(starter(change(empty_database.owner_url)))
        assert (done, len(said.strip().splitlines())) == (code, 1), said
        assert words in said

    def test_a_folder_with_two_files_of_one_number(self, tmp_path: Path) -> None:
        for name in ("0001_a.sql", "0001_b.sql"):
            (tmp_path / name).write_text("select 1;")
        with pytest.raises(MigrationRefused, match="same number"):
            read_migrations(tmp_path)

    def test_a_file_with_a_strange_name(self, tmp_path: Path) -> None:
        (tmp_path / "1-a.sql").write_text("select 1;")
        with pytest.raises(MigrationRefused, match="not named like a migration"):
            read_migrations(tmp_path)


class TestTargetAccounts:
    """0070: what was kept by connection is kept by account."""

    async def test_carries_everything_over(self, empty_database: Database, tmp_path: Path) -> None:
        for migration in MIGRATIONS.glob("*.sql"):
            if migration.name < "0070":
                (tmp_path / migration.name).write_bytes(migration.read_bytes())
        await migrate(empty_database.owner_url, tmp_path)
        await execute(empty_database.owner_url, *_KEPT_BY_CONNECTION)
        await migrate(empty_database.owner_url)
        link = await asyncpg.connect(empty_database.owner_url)
        try:
            connections = await link.fetch("select id, account from core.connection order by id")
            records = await link.fetch(
                "select account, target_entity, key, doubtful from flow.target_record order by account, key"
            )
            owners = await link.fetch("select account, source_account, sync from flow.target_owner order by sync")
            links = await link.fetch("select left_account, right_account, right_key, left_id, state from flow.pair")
            intents = await link.fetch("select account, connection, target_entity from flow.write_intent")
            audits = await link.fetch("select account, connection from flow.audit")
        finally:
            await link.close()
        assert [tuple(row) for row in connections] == [
            ("books", "zoho-books:7"), ("one", "mailchimp:8d3a"), ("three", "three"), ("two", "mailchimp:8d3a"),
        ]  # fmt: skip
        assert [tuple(row) for row in records] == [
            ("mailchimp:8d3a", "member", "ana@ex.org", True), ("mailchimp:8d3a", "member", "bo@ex.org", False),
            ("three", "member", "ana@ex.org", False),
        ]  # fmt: skip
        assert [tuple(row) for row in owners] == [("mailchimp:8d3a", "zoho-books:7", sync) for sync in ("s1", "s2")]
        assert [tuple(row) for row in links] == [("zoho-books:7", "mailchimp:8d3a", "ana@ex.org", "1", "linked")]
        assert [tuple(row) for row in intents] == [("mailchimp:8d3a", "one", "member")]
        assert [tuple(row) for row in audits] == [("mailchimp:8d3a", "two")]


class TestLateLooks:
    """0079: what is in flight from before is owed a late look, whoever has died on it."""

    async def test_are_owed_for_what_is_in_flight(self, empty_database: Database, tmp_path: Path) -> None:
        for migration in MIGRATIONS.glob("*.sql"):
            if migration.name < "0079":
                (tmp_path / migration.name).write_bytes(migration.read_bytes())
        await migrate(empty_database.owner_url, tmp_path)
        await execute(empty_database.owner_url, *_IN_FLIGHT)
        await migrate(empty_database.owner_url)
        link = await asyncpg.connect(empty_database.owner_url)
        try:
            owed = await link.fetch("select key, record, due_at - $1 as after from flow.audit order by key", _SENT_AT)
        finally:
            await link.close()
        assert [(row["key"], row["record"], row["after"]) for row in owed] == [("ana@ex.org", "2", timedelta(hours=5))]


class TestTargetMemory:
    """0081: what only the vendor needs to remember goes into its memory, and what is known stays known."""

    async def test_carries_everything_over(self, empty_database: Database, tmp_path: Path) -> None:
        for migration in MIGRATIONS.glob("*.sql"):
            if migration.name < "0081":
                (tmp_path / migration.name).write_bytes(migration.read_bytes())
        await migrate(empty_database.owner_url, tmp_path)
        await execute(empty_database.owner_url, *_REMEMBERED)
        await migrate(empty_database.owner_url)
        pool = await open_pool(empty_database.owner_url, name="test", size=1)
        try:
            async with transaction(pool) as tx:
                rows = await tx.fetch("select * from flow.target_record order by key")
                intents = await tx.fetch(
                    "select action, sent, before, memory, counts_as from flow.write_intent order by attempt"
                )
        finally:
            await close_pool(pool)
        known = {row["key"]: known_of(row) for row in rows}
        told = known["told@ex.org"]
        assert (told["standing"], told["standing_by"], told["standing_reason"]) == ("unsubscribed", "target", "abuse")
        assert (told["standing_at"], told["former"], told["ours"]) == (_SENT_AT, "", ["a", "b"])
        assert (told["born_of"], told["barred"], told["memory"]["allowed"]) == (
            "old@ex.org",
            "compliance",
            "unsubscribed",
        )
        assert told["seen"] == told["agreed"] == {"merge.FNAME": "Ana", "tags": ["a"], "standing": "unsubscribed"}
        gone = known["archived@ex.org"]
        assert (gone["standing"], gone["standing_by"], gone["former"], gone["barred"]) == (
            "archived",
            "",
            "subscribed",
            "",
        )
        bare = known["bare@ex.org"]
        assert (bare["seen"], bare["agreed"], bare["memory"], bare["present"]) == ({}, {}, {}, None)
        assert [tuple(row) for row in intents] == [
            ("create", {"email": "k", "standing": "subscribed"}, {}, {}, "added"),
            ("update", {"merge.FNAME": "A"}, {"merge.FNAME": "B"}, {}, "updated"),
        ]


class TestLegs:
    """0085: what was a sync is a sync with one leg, and everything kept for it is the leg's."""

    async def test_carries_every_sync_over(self, empty_database: Database, tmp_path: Path) -> None:
        for migration in MIGRATIONS.glob("*.sql"):
            if migration.name < "0081":
                (tmp_path / migration.name).write_bytes(migration.read_bytes())
        await migrate(empty_database.owner_url, tmp_path)
        await execute(empty_database.owner_url, *_ONE_WAY)
        await migrate(empty_database.owner_url)
        link = await asyncpg.connect(empty_database.owner_url)
        try:
            legs = await link.fetch("select * from core.leg order by sync")
            versions = await link.fetch("select sync, leg, version from core.mapping_version order by version")
            jobs = await link.fetch("select sync, leg, mapping_version, cursor from flow.remap")
            with pytest.raises(asyncpg.RaiseError, match="never changed"):
                await link.execute("update core.mapping_version set note = 'x'")
        finally:
            await link.close()
        assert [tuple(row) for row in legs] == [
            ("new", "customer", 1, "forward", "books", "customer", "", "chimp", "member", "l2", "state", 0),
            ("old", "customer", 1, "forward", "books", "customer", "", "chimp", "member", "l1", "state", 2),
        ]
        assert [tuple(row) for row in versions] == [("old", "customer", 1), ("old", "customer", 2)]
        assert [tuple(row) for row in jobs] == [("old", "customer", 2, "77")]


_ONE_WAY = (
    """insert into core.connection (id, vendor, name, state, created_at, updated_at)
       values ('books', 'zoho-books', 'books', 'active', now(), now()), ('chimp', 'mailchimp', 'chimp', 'active', now(), now())""",
    """insert into core.sync (id, name, template, entity, source_connection, target_connection, place, state, mapping_version, created_at, updated_at)
       values ('old', 'old', 't', 'customer', 'books', 'chimp', 'l1', 'active', 2, now(), now()),
              ('new', 'new', 't', 'customer', 'books', 'chimp', 'l2', 'draft', 0, now(), now())""",
    """insert into core.mapping_version (sync, version, definition, created_at) values ('old', 1, '{"rows": []}', now()), ('old', 2, '{"rows": []}', now())""",
    "insert into flow.remap (sync, mapping_version, cursor, started_at) values ('old', 2, '77', now()), ('gone', 1, '', now())",
)

_SENT_AT = datetime(2026, 1, 1, tzinfo=UTC)
_IN_FLIGHT = (
    """insert into flow.write_intent (attempt, sync, entity, record, connection, account, place, target_entity, target_key, revision,
                                       mapping_version, action, sent, before, body_hash, state, sent_at, hold_until)
       select 'a' || n, 's1', 'customer', record, 'chimp', 'chimp', 'l', 'member', key, 1, 1, 'update', '{}', '{}', '', state,
              timestamptz '2026-01-01T00:00:00Z' + n * interval '1 hour', now()
         from (values (0, '1', 'ana@ex.org', 'sent'), (1, '2', 'ana@ex.org', 'sent'), (2, '3', 'bo@ex.org', 'settled'))
              as i(n, record, key, state)""",
)

_REMEMBERED = (
    """insert into flow.target_record (account, place, target_entity, key, present, met, values, ours, standing, standing_at, standing_by,
                                        standing_reason, former, born_of, barred, memory, changed_at)
       values ('c', 'l', 'member', 'told@ex.org', true, true, '{"merge.FNAME": "Ana", "tags": ["a"]}', '["b", "a"]', 'unsubscribed',
               '2026-01-01T00:00:00Z', 'target', 'abuse', '', 'old@ex.org', 'compliance', '{"allowed": "unsubscribed", "since": ""}', now()),
              ('c', 'l', 'member', 'archived@ex.org', true, true, '{}', '[]', 'archived', now(), 'writer-mailchimp', '', 'subscribed', '',
               '', '{}', now())""",
    "insert into flow.target_record (account, place, target_entity, key, changed_at) values ('c', 'l', 'member', 'bare@ex.org', now())",
    """insert into flow.write_intent (attempt, sync, entity, record, connection, account, place, target_entity, target_key, revision,
                                       mapping_version, action, sent, standing, before, body_hash, state, sent_at, hold_until)
       values ('a', 's1', 'customer', '1', 'c', 'c', 'l', 'member', 'k', 1, 1, 'create', '{"email": "k"}', 'subscribed', '{}', '', 'settled',
               now(), now()),
              ('b', 's1', 'customer', '1', 'c', 'c', 'l', 'member', 'k', 1, 1, 'update', '{"merge.FNAME": "A"}', '', '{"merge.FNAME": "B"}',
               '', 'settled', now(), now())""",
)

_KEPT_BY_CONNECTION = (
    """insert into core.connection (id, vendor, name, state, details, created_at, updated_at)
       select id, vendor, id, 'active', details::jsonb, now(), now() from (values
           ('books', 'zoho-books', '{"organization_id": "7"}'), ('one', 'mailchimp', '{"account_id": "8d3a"}'),
           ('two', 'mailchimp', '{"account_id": "8d3a"}'), ('three', 'mailchimp', '{}')) as c(id, vendor, details)""",
    """insert into flow.target_record (connection, place, key, changed_at)
       select *, now() from (values ('one', 'l', 'ana@ex.org'), ('two', 'l', 'ana@ex.org'), ('two', 'l', 'bo@ex.org'),
                                    ('three', 'l', 'ana@ex.org')) as r""",
    """insert into flow.target_owner select c, 'l', 'ana@ex.org', s, 'customer', '1', 'live', now()
         from (values ('one', 's1'), ('two', 's2')) as o(c, s)""",
    """insert into flow.work_item (sync, entity, record, source, connection, place, revision, wish, document, mapping_version, lane,
                                   priority, happened_at, state, due_at, received_at, changed_at)
       select s, 'customer', '1', 'books', c, 'l', 1, 'present', '{}', 1, 'live', 0, now(), 'done', now(), now(), now()
         from (values ('one', 's1'), ('two', 's2')) as o(c, s)""",
    """insert into flow.record_link (sync, entity, record, connection, place, target_key, state, since)
       values ('s1', 'customer', '1', 'one', 'l', 'ana@ex.org', 'linked', now())""",
    """insert into flow.write_intent (attempt, sync, entity, record, connection, place, target_key, revision, mapping_version, action,
                                      sent, before, body_hash, state, sent_at, hold_until)
       values ('a', 's1', 'customer', '1', 'one', 'l', 'ana@ex.org', 1, 1, 'create', '{}', '{}', '', 'settled', now(), now())""",
    "insert into flow.audit (connection, place, key, sync, entity, record, due_at) values ('two', 'l', 'ana@ex.org', 's2', 'customer', '1', now())",
)


class TestOutsideATransaction:
    FILE = "-- outside a transaction\ndrop index concurrently if exists vault.late;\ncreate unique index concurrently late on vault.t (id);\n"

    async def test_what_broke_off_is_done_again_from_its_beginning(self, database: Database, tmp_path: Path) -> None:
        (tmp_path / "0001_table.sql").write_text("create table vault.t (id int); insert into vault.t values (1), (1);")
        (tmp_path / "0002_late.sql").write_text(self.FILE)
        url = database.url("broker")
        with pytest.raises(MigrationRefused, match=r"(?s)0002_late failed .*: start again"):
            await migrate(url, tmp_path, "vault")
        await execute(url, "delete from vault.t where ctid = '(0,2)'")
        assert await migrate(url, tmp_path, "vault") == ["0002_late"]
        link = await asyncpg.connect(url)
        try:
            valid = "select indisvalid from pg_index where indexrelid = 'vault.late'::regclass"
            assert await link.fetchval(valid) is True
        finally:
            await link.close()

    async def test_whoever_waits_for_their_turn_holds_no_index_up(self, database: Database, tmp_path: Path) -> None:
        (tmp_path / "0001_table.sql").write_text("create table vault.t (id int);")
        (tmp_path / "0002_late.sql").write_text(self.FILE)
        done = await asyncio.wait_for(
            asyncio.gather(*(migrate(database.url("broker"), tmp_path, "vault") for _ in range(4))), 90
        )
        assert sorted(map(len, done)) == [0, 0, 0, 2]
