"""A sandbox and a database for the folder's tests, and for each an organisation as it is from the start."""

import uuid
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.books_world import BooksWorld, open_books_world
from tests.support.database import Database, Server, in_a_loop
from tests.support.ledger.world import close_ledger_world
from tests.support.sandbox import SandboxProcess


@pytest.fixture(scope="session")
def books_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    sandbox = SandboxProcess(tmp_path_factory.mktemp("sandbox"), snapshot_seconds=600.0).start()
    yield sandbox
    sandbox.stop()


@pytest.fixture(scope="session")
def database(database_server: Server, database_template: str) -> Iterator[Database]:
    """One for all tests here: emptying its tables takes a tenth of the time of making a new one."""
    name = f"t_{uuid.uuid4().hex[:16]}"
    yield in_a_loop(database_server.create(name, template=database_template))
    in_a_loop(database_server.drop(name))


@pytest.fixture
async def world(
    database: Database, books_sandbox: SandboxProcess, request: pytest.FixtureRequest
) -> AsyncIterator[BooksWorld]:
    """`demo` has fields that are unique; another organisation is a parameter."""
    opened = await open_books_world(database, books_sandbox, getattr(request, "param", "demo"))
    yield opened
    opened.books.http.close()
    await close_ledger_world(opened)
