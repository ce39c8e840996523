"""A sandbox and a database for the folder's tests, and for each an account as it is from the start."""

import uuid
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.crm_world import CrmWorld, crm_world
from tests.support.database import Database, Server, in_a_loop
from tests.support.sandbox import SandboxProcess


@pytest.fixture(scope="session")
def crm_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
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
    database: Database, crm_sandbox: SandboxProcess, request: pytest.FixtureRequest
) -> AsyncIterator[CrmWorld]:
    """`demo` is an enterprise; another account is a parameter."""
    async with crm_world(database, crm_sandbox, getattr(request, "param", "demo")) as opened:
        yield opened
