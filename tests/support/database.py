"""A migrated database with nothing in it for each test: lent, or copied from a template that is migrated once."""

from __future__ import annotations

import asyncio
import hashlib
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import asyncpg
import pytest

from common.state.migration import migrate, read_migrations
from common.state.roles import ROLES, set_passwords
from millrace.stack.home import Home
from millrace.stack.postgres import Role, login, password
from tests.support.lending import Lender
from tests.support.local_stack import LocalStack

T = TypeVar("T")

MIGRATIONS = Path(__file__).parents[2] / "libs/common/src/common/state/migrations"
WITHIN_S = 30.0

Databases = Callable[[], AbstractContextManager["Database"]]


@dataclass(frozen=True)
class Database:
    """One database of the session's server; `url` signs in as service, console or broker."""

    server: Server
    name: str

    @property
    def owner_url(self) -> str:
        return self.server.url("owner", self.name)

    @property
    def admin_url(self) -> str:
        return self.server.url("admin", self.name)

    def url(self, role: Role) -> str:
        return self.server.url(role, self.name)


@dataclass(frozen=True)
class Server:
    """The session's PostgreSQL with the passwords of its home."""

    home: Path
    address: str

    @classmethod
    def of(cls, stack: LocalStack) -> Server:
        return cls(stack.home, stack.postgres_url.rpartition("@")[2].partition("/")[0])

    def url(self, role: Role, database: str) -> str:
        secret = quote(password(Home(self.home), role), safe="")
        return f"postgresql://{login(role)}:{secret}@{self.address}/{database}"

    async def create(self, name: str, *, template: str = "template0") -> Database:
        link = await self._admin()
        try:
            await link.execute(f"create database {name} owner {login('owner')} template {template}")
            # Rights on a database are not copied with its template.
            await link.execute(f"revoke all on database {name} from public")
            await link.execute(f"grant connect on database {name} to {', '.join(ROLES.values())}")
        finally:
            await link.close()
        return Database(self, name)

    async def drop(self, name: str) -> None:
        link = await self._admin()
        try:
            await _patiently(
                lambda: link.execute(f"drop database if exists {name} with (force)"), asyncpg.ObjectInUseError
            )
        finally:
            await link.close()

    async def _admin(self) -> Any:
        """A server that a test has killed takes nobody until it has recovered."""
        url = self.url("admin", "postgres")
        return await _patiently(lambda: asyncpg.connect(url), OSError, asyncpg.CannotConnectNowError)

    async def template(self) -> str:
        """The migrated template for the migrations as they are now; other sessions on the server share it."""
        migrations = read_migrations(MIGRATIONS)
        name = "template_" + hashlib.sha256("".join(m.sha256 for m in migrations).encode()).hexdigest()[:12]
        link = await self._admin()
        try:
            await link.execute("select pg_advisory_lock(hashtextextended('tests:template', 0))")
            await self._create_roles(link)
            ready = await link.fetchval("select datistemplate from pg_database where datname = $1", name)
            if not ready:
                await link.execute(f"drop database if exists {name} with (force)")
                await link.execute(f"create database {name} owner {login('owner')} template template0")
                await migrate(self.url("owner", name))
                await link.execute(f"alter database {name} is_template true")
        finally:
            await link.close()
        return name

    async def _create_roles(self, link: Any) -> None:
        if not await link.fetchval("select exists (select from pg_roles where rolname = $1)", login("owner")):
            await link.execute(f"create role {login('owner')} login createrole createdb")
        secret = password(Home(self.home), "owner")
        await link.execute(
            await link.fetchval(
                "select format('alter role %I password %L', $1::text, $2::text)", login("owner"), secret
            )
        )

    async def set_passwords(self, database: str) -> None:
        roles: tuple[Role, ...] = ("service", "console", "broker")
        await set_passwords(self.url("admin", database), {role: password(Home(self.home), role) for role in roles})


async def _patiently(step: Callable[[], Awaitable[T]], *passing: type[Exception]) -> T:
    """What a busy server refuses for a moment is asked for again."""
    deadline = time.monotonic() + WITHIN_S
    while True:
        try:
            return await step()
        except passing:
            if time.monotonic() >= deadline:
                raise
            await asyncio.sleep(0.1)


@contextmanager
def lending(server: Server, create: Callable[[str], Coroutine[Any, Any, Database]]) -> Iterator[Databases]:
    """Lends what is so created; at the end nothing of it is left."""
    lender = Lender(create, server.drop, lambda name: server.url("admin", name))

    @contextmanager
    def lent() -> Iterator[Database]:
        with lender.lent() as name:
            yield Database(server, name)

    try:
        yield lent
    finally:
        lender.close()


def in_a_loop(work: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine from a fixture without touching the test's own event loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


@pytest.fixture(scope="session")
def database_server(stack: LocalStack) -> Server:
    server = Server.of(stack)
    template = in_a_loop(server.template())
    in_a_loop(server.set_passwords(template))
    return server


@pytest.fixture(scope="session")
def database_template(database_server: Server) -> str:
    return in_a_loop(database_server.template())


@pytest.fixture(scope="session")
def databases(database_server: Server, database_template: str) -> Iterator[Databases]:
    """For whoever needs several at once, or for longer than a test."""
    with lending(database_server, lambda name: database_server.create(name, template=database_template)) as lent:
        yield lent


@pytest.fixture
def database(databases: Databases) -> Iterator[Database]:
    """A database with all migrations applied and nothing in it, nobody's after the test."""
    with databases() as lent:
        yield lent


@pytest.fixture
def empty_database(database_server: Server) -> Iterator[Database]:
    """A database to which nothing was done yet, gone after the test."""
    name = f"e_{uuid.uuid4().hex[:16]}"
    created = in_a_loop(database_server.create(name))
    try:
        yield created
    finally:
        in_a_loop(database_server.drop(name))
