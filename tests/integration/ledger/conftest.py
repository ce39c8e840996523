"""The ledger and a database for the folder's tests, and a clean writer on them for each test."""

import uuid
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.database import Database, Server, in_a_loop
from tests.support.ledger.process import LedgerProcess, ledger_process
from tests.support.ledger.world import LedgerWorld, close_ledger_world, open_ledger_world


@pytest.fixture(scope="session")
def ledger() -> Iterator[LedgerProcess]:
    with ledger_process() as started:
        yield started


@pytest.fixture(scope="session")
def database(database_server: Server, database_template: str) -> Iterator[Database]:
    """One for all tests here: emptying its tables takes a tenth of the time of making a new one."""
    name = f"t_{uuid.uuid4().hex[:16]}"
    yield in_a_loop(database_server.create(name, template=database_template))
    in_a_loop(database_server.drop(name))


@pytest.fixture
async def world(database: Database, ledger: LedgerProcess) -> AsyncIterator[LedgerWorld]:
    opened = await open_ledger_world(database, ledger)
    yield opened
    await close_ledger_world(opened)
