"""Brings a database to this version: numbered SQL files, each in its own transaction, under one lock, forward only.

A file whose first line is `-- outside a transaction` is run statement by statement: indexes on big tables are built while writers go
on (`create index concurrently`). Each of its statements can be repeated, because a run that breaks off begins at its first line again.

`migrate` serves every owner of a schema: the common tables (`python -m common.state.migrate`) and the token-broker's vault.
It refuses, in one sentence, what it does not understand: a newer schema, a changed file, somebody else's tables.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from common.clock import monotonic

MIGRATIONS = Path(__file__).with_name("migrations")
SCHEMA = "flow"
OWN_SCHEMAS = ("core", "flow", "vault")
OLDEST_SERVER = 15

_FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_LOCK_TIMEOUT_S = 120
_LOOK_AGAIN_S = 0.1
_OUTSIDE = "-- outside a transaction\n"


class MigrationRefused(Exception):
    """The database stays as it is; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file."""

    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def statements(self) -> list[str]:
        """One by one, for a file that is run outside a transaction; empty for every other."""
        if not self.sql.startswith(_OUTSIDE):
            return []
        lines = [line for line in self.sql.splitlines() if not line.startswith("--")]
        return [one.strip() for one in "\n".join(lines).split(";") if one.strip()]

    @property
    def title(self) -> str:
        return f"{self.number:04d}_{self.name}"


def read_migrations(folder: Path) -> list[Migration]:
    """The files of a folder in their order; a name that is no migration, or a number twice, is refused."""
    found: dict[int, Migration] = {}
    for path in sorted(folder.glob("*.sql")):
        match = _FILE_NAME.fullmatch(path.name)
        if match is None:
            raise MigrationRefused(f"{path} is not named like a migration (0001_what_it_does.sql): rename it.")
        number = int(match[1])
        if number in found:
            raise MigrationRefused(f"{path.name} and {found[number].title}.sql carry the same number: renumber one.")
        found[number] = Migration(number, match[2], path.read_text(encoding="utf-8"))
    if not found:
        raise MigrationRefused(f"There are no migrations in {folder}: the installation is incomplete.")
    return list(found.values())


async def migrate(url: str, folder: Path = MIGRATIONS, schema: str = SCHEMA) -> list[str]:
    """Applies what is missing and returns the names of what it applied; a second starter waits, then finds nothing to do."""
    migrations = read_migrations(folder)
    link = await _connect(url)
    try:
        await _check_server(link)
        await _lock(link, schema)
        applied = await _applied(link, schema)
        check_history(migrations, applied)
        missing = [migration for migration in migrations if migration.number not in applied]
        for migration in missing:
            await _apply(link, schema, migration)
        return [migration.title for migration in missing]
    finally:
        await link.close(timeout=5)


async def pending(link: Any, folder: Path = MIGRATIONS, schema: str = SCHEMA) -> list[str]:
    """What a running service would still need: empty when the schema is that of this version; takes any connection."""
    migrations = read_migrations(folder)
    if await link.fetchval("select to_regclass($1)", f"{schema}.applied_migration") is None:
        return [migration.title for migration in migrations]
    applied = await _history(link, schema)
    check_history(migrations, applied)
    return [migration.title for migration in migrations if migration.number not in applied]


def check_history(known: Iterable[Migration], applied: Mapping[int, tuple[str, str]]) -> None:
    """Refuses a database that a newer version has migrated, and files that were changed after they were applied."""
    by_number = {migration.number: migration for migration in known}
    newest = max(by_number)
    for number, (name, sha256) in sorted(applied.items()):
        title = f"{number:04d}_{name}"
        if number not in by_number and number > newest:
            raise MigrationRefused(
                f"The database was migrated by a newer version (to {title}), this one knows it up to "
                f"{by_number[newest].title}: start the newer version."
            )
        if number not in by_number:
            raise MigrationRefused(
                f"The database has migration {title}, which this version does not have: reinstall it."
            )
        if by_number[number].sha256 != sha256:
            raise MigrationRefused(
                f"Migration {by_number[number].title} was changed after it was applied: restore the file, and put the change "
                "into a new one."
            )


async def _connect(url: str) -> Any:
    return await asyncpg.connect(
        url,
        timeout=10,
        command_timeout=None,
        server_settings={"application_name": "millrace-migrate", "lock_timeout": f"{_LOCK_TIMEOUT_S}s"},
    )


async def _check_server(link: Any) -> None:
    version = link.get_server_version()
    if version.major < OLDEST_SERVER:
        raise MigrationRefused(
            f"PostgreSQL {OLDEST_SERVER} or newer is needed, this server is {version.major}: upgrade it."
        )
    if await link.fetchval("select pg_is_in_recovery()"):
        raise MigrationRefused("This server is a read-only standby: give the address of the primary.")


async def _lock(link: Any, schema: str) -> None:
    # Held by the session, so it ends with it, however it ends. Asked for again and again: who waits inside a statement has a snapshot,
    # which an index that is built concurrently would wait for in turn.
    deadline = monotonic() + _LOCK_TIMEOUT_S
    while not await link.fetchval("select pg_try_advisory_lock(hashtextextended($1, 0))", f"millrace:migrate:{schema}"):
        if monotonic() >= deadline:
            raise MigrationRefused(
                f"Another process has been migrating this database for {_LOCK_TIMEOUT_S} s: look what it is doing."
            )
        await asyncio.sleep(_LOOK_AGAIN_S)


async def _applied(link: Any, schema: str) -> dict[int, tuple[str, str]]:
    if await link.fetchval("select to_regclass($1)", f"{schema}.applied_migration") is None:
        await _refuse_strangers(link, (schema,) if schema != SCHEMA else OWN_SCHEMAS)
        await _create_history(link, schema)
    return await _history(link, schema)


async def _refuse_strangers(link: Any, schemas: Sequence[str]) -> None:
    tables = await link.fetch(
        "select format('%s.%s', schemaname, tablename) from pg_catalog.pg_tables where schemaname = any($1) order by 1 limit 4",
        list(schemas),
    )
    if tables:
        names = ", ".join(row[0] for row in tables)
        raise MigrationRefused(
            f"This database already has tables that Millrace did not make ({names}): give it one of its own."
        )


async def _create_history(link: Any, schema: str) -> None:
    name = _quoted(schema)
    async with link.transaction():
        # `create schema if not exists` wants the right to create schemas even where it exists, and the broker has none.
        if not await link.fetchval("select exists (select from pg_catalog.pg_namespace where nspname = $1)", schema):
            await link.execute(f"create schema {name}")
        await link.execute(
            f"create table {name}.applied_migration (number integer primary key, name text not null, "
            "sha256 text not null, applied_at timestamptz not null default now())"
        )


async def _history(link: Any, schema: str) -> dict[int, tuple[str, str]]:
    rows = await link.fetch(f"select number, name, sha256 from {_quoted(schema)}.applied_migration")  # noqa: S608
    return {row["number"]: (row["name"], row["sha256"]) for row in rows}


async def _apply(link: Any, schema: str, migration: Migration) -> None:
    if migration.statements:
        await _apply_outside(link, schema, migration)
        return
    try:
        async with link.transaction():
            await link.execute(migration.sql)
            await _note(link, schema, migration)
    except asyncpg.PostgresError as refused:
        raise MigrationRefused(f"Migration {migration.title} failed and changed nothing: {refused}.") from refused


async def _apply_outside(link: Any, schema: str, migration: Migration) -> None:
    try:
        for statement in migration.statements:
            await link.execute(statement)
        await _note(link, schema, migration)
    except asyncpg.PostgresError as refused:
        raise MigrationRefused(
            f"Migration {migration.title} failed ({refused}): start again, it is repeated from its beginning."
        ) from refused


async def _note(link: Any, schema: str, migration: Migration) -> None:
    await link.execute(
        f"insert into {_quoted(schema)}.applied_migration (number, name, sha256) values ($1, $2, $3)",  # noqa: S608
        migration.number,
        migration.name,
        migration.sha256,
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
