"""A sandbox for the module's tests, and a writer on a fresh database for each of them."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.database import Database
from tests.support.sandbox import SandboxProcess
from tests.support.writing import World, close_world, open_world


@pytest.fixture(scope="session")
def mailchimp_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    sandbox = SandboxProcess(tmp_path_factory.mktemp("sandbox"), snapshot_seconds=600.0).start()
    yield sandbox
    sandbox.stop()


@pytest.fixture
async def world(database: Database, mailchimp_sandbox: SandboxProcess) -> AsyncIterator[World]:
    opened = await open_world(database, mailchimp_sandbox)
    yield opened
    await close_world(opened)
