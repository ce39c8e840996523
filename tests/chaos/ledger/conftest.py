"""The ledger, and its writer as a real service on real servers."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.database import Database
from tests.support.groups import from_now_on, of_writer
from tests.support.ledger.process import LedgerProcess, ledger_process
from tests.support.ledger.service import LedgerService
from tests.support.ledger.world import LedgerWorld, close_ledger_world, open_ledger_world
from tests.support.local_stack import LocalStack
from tests.support.writer_service import broker


@pytest.fixture
def ledger() -> Iterator[LedgerProcess]:
    with ledger_process() as started:
        yield started


@pytest.fixture
async def world(database: Database, ledger: LedgerProcess) -> AsyncIterator[LedgerWorld]:
    opened = await open_ledger_world(database, ledger)
    yield opened
    await close_ledger_world(opened)


@pytest.fixture
async def service(
    world: LedgerWorld, database: Database, stack: LocalStack, tmp_path: Path
) -> AsyncIterator[LedgerService]:
    await from_now_on(stack.kafka, of_writer("ledger"))
    with broker("k") as url:
        started = LedgerService(stack, database, world.ledger, url, tmp_path)
        yield started
        started.stop()
