"""What is done at each start between the servers and the services: the database, its tables, the topics."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from millrace.errors import CommandError
from millrace.exit_codes import ExitCode
from millrace.stack.home import Home
from millrace.stack.logs import last_lines
from millrace.stack.parts import Command, ToolFailed, run_tool, spawn
from millrace.stack.postgres import DATABASE, Postgres, login, password

STEP_SECONDS = 180
CODES = {75: ExitCode.UNREACHABLE, 78: ExitCode.USAGE}


@dataclass(frozen=True)
class ModuleRun:
    """`python -m <module>` as a step; what it says last is the reason if it fails."""

    home: Home
    log: str
    module: str
    environment: Mapping[str, str] = field(repr=False)
    words: Sequence[str] = ()
    early: asyncio.subprocess.Process | None = None

    async def __call__(self) -> None:
        command = Command([sys.executable, "-m", self.module, *self.words], self.environment)
        log = self.home.log(self.log)
        try:
            await run_tool(command, log, STEP_SECONDS, self.home, self.early)
        except ToolFailed as failed:
            code = CODES.get(failed.exit_code, ExitCode.FAILED)
            said = (last_lines(log, 1) or [str(failed)])[0]
            raise CommandError(f"{self.log} failed: {said}", f"The whole log is {log}.", code) from failed
        except TimeoutError as late:
            raise CommandError(f"{self.log} took longer than {STEP_SECONDS} s.", f"Its log is {log}.") from late


@dataclass
class EarlyModule:
    """`python -m <module>`, imported while its needs start; it takes no words."""

    home: Home
    log: str
    module: str
    inherited: Mapping[str, str] = field(repr=False)
    _process: asyncio.subprocess.Process | None = None

    async def begin(self) -> None:
        command = Command([sys.executable, "-m", "millrace.stack.prepared", self.module], self.inherited)
        self._process = await spawn(command, self.home.log(self.log), self.home, listens=True)

    async def run(self, environment: Mapping[str, str]) -> None:
        await ModuleRun(self.home, self.log, self.module, environment, early=self._process)()


async def create_database(postgres: Postgres) -> None:
    """The owner of the tables, who is no superuser, and the database; once."""
    import asyncpg

    from common.state.roles import verifier

    owner = login("owner")
    link = await asyncpg.connect(postgres.url("admin", "postgres"), timeout=10, command_timeout=60)
    try:
        if not await link.fetchval("select exists (select from pg_roles where rolname = $1)", owner):
            secret = verifier(password(postgres.home, "owner"), owner.encode())
            await link.execute(f"create role {owner} login createrole createdb password '{secret}'")
        if not await link.fetchval("select exists (select from pg_database where datname = $1)", DATABASE):
            await link.execute(f"create database {DATABASE} owner {owner}")
    finally:
        await link.close(timeout=5)
