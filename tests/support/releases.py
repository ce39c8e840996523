"""Databases of earlier releases: their schema by the migrations of then, their rows from a file, then today's migrations."""

from __future__ import annotations

import gzip
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from common.state.migration import migrate
from tests.support.database import MIGRATIONS, Database

FOLDER = Path(__file__).parent / "releases"


@dataclass(frozen=True)
class Release:
    """One of the files in the folder."""

    newest: int
    """The number of its newest migration."""

    @property
    def _name(self) -> str:
        return f"schema-{self.newest:04}"

    def members(self) -> dict[str, tuple[str, dict[str, Any], list[str]]]:
        """Status, merge fields and tags of each member, by address."""
        found: dict[str, tuple[str, dict[str, Any], list[str]]] = json.loads(
            gzip.decompress((FOLDER / f"{self._name}.members.json.gz").read_bytes())
        )
        return found

    async def put_into(self, database: Database, folder: Path) -> None:
        """Its schema and its rows; the triggers of then have counted these rows already."""
        for one in sorted(MIGRATIONS.glob("*.sql")):
            if int(one.name[:4]) <= self.newest:
                shutil.copy(one, folder)
        await migrate(database.owner_url, folder)
        rows = gzip.decompress((FOLDER / f"{self._name}.sql.gz").read_bytes()).decode()
        link = await asyncpg.connect(database.admin_url)
        try:
            await link.execute("set session_replication_role = replica")
            for table in await link.fetch(
                "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('core', 'flow')"
            ):
                if table["name"] not in ("flow.applied_migration", "flow.journal"):
                    await link.execute(f"delete from {table['name']}")
            await link.execute(rows)
        finally:
            await link.close()
