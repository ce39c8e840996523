"""The Zoho writer as a real service on real servers, and the sandbox's Books."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.books_world import BooksWorld, open_books_world
from tests.support.database import Database
from tests.support.groups import from_now_on, of_writer
from tests.support.ledger.world import close_ledger_world
from tests.support.local_stack import LocalStack
from tests.support.sandbox import SandboxProcess
from tests.support.writer_service import WriterService, broker


@pytest.fixture(scope="session")
def books_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    sandbox = SandboxProcess(tmp_path_factory.mktemp("sandbox"), snapshot_seconds=600.0).start()
    yield sandbox
    sandbox.stop()


@pytest.fixture
async def world(
    database: Database, books_sandbox: SandboxProcess, request: pytest.FixtureRequest
) -> AsyncIterator[BooksWorld]:
    """`demo` has fields that are unique; another organisation is a parameter."""
    opened = await open_books_world(database, books_sandbox, getattr(request, "param", "demo"))
    yield opened
    opened.books.http.close()
    await close_ledger_world(opened)


@pytest.fixture
async def service(
    world: BooksWorld, database: Database, stack: LocalStack, tmp_path: Path
) -> AsyncIterator[WriterService]:
    await from_now_on(stack.kafka, of_writer("zoho-books"))
    with broker(world.token) as url:
        started = WriterService(stack, database, world.sandbox, url, tmp_path, module="writer_zoho")
        yield started
        started.kill_all()
