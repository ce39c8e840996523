"""The real service on real servers, and the sandbox."""

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.database import Database
from tests.support.groups import from_now_on, of_writer
from tests.support.local_stack import LocalStack
from tests.support.sandbox import SandboxProcess
from tests.support.writer_service import WriterService, broker
from tests.support.writing import World, close_world, open_world


@pytest.fixture(scope="session")
def writer_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    sandbox = SandboxProcess(tmp_path_factory.mktemp("sandbox"), snapshot_seconds=600.0).start()
    yield sandbox
    sandbox.stop()


@pytest.fixture
async def world(database: Database, writer_sandbox: SandboxProcess) -> AsyncIterator[World]:
    opened = await open_world(database, writer_sandbox)
    # A login of its own: the places of a killed process stay taken for minutes.
    details = {"dc": "us6", "login_id": uuid.uuid4().hex}
    await opened.execute("update core.connection set details = $1 where id = 'chimp'", details)
    yield opened
    await close_world(opened)


@pytest.fixture
async def service(world: World, database: Database, stack: LocalStack, tmp_path: Path) -> AsyncIterator[WriterService]:
    await from_now_on(stack.kafka, of_writer("mailchimp"))
    with broker(world.account["api_key"]) as url:
        started = WriterService(stack, database, world.sandbox, url, tmp_path)
        yield started
        started.kill_all()
