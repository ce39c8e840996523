"""A sandbox and a database for the folder's tests, and a clean writer on them for each test."""

import uuid
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.database import Database, Server, in_a_loop
from tests.support.sandbox import SandboxProcess
from tests.support.writing import World, close_world, open_world


@pytest.fixture(scope="session")
def mailchimp_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
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
async def world(database: Database, mailchimp_sandbox: SandboxProcess) -> AsyncIterator[World]:
    opened = await open_world(database, mailchimp_sandbox)
    yield opened
    await close_world(opened)
