"""Budgets over a real Valkey and a real PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from common.clock import FixedClock, SystemClock
from common.state.pool import Pool, close_pool, open_pool
from tests.support.budgets import Budgets
from tests.support.database import Database
from tests.support.valkey_server import ValkeyServer


@pytest.fixture(scope="session")
def _one_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    server = ValkeyServer(tmp_path_factory.mktemp("valkey")).start()
    yield server
    server.kill()


@pytest.fixture
def valkey(_one_valkey: ValkeyServer) -> ValkeyServer:
    """Empty, and shared by tests that leave it running."""
    _one_valkey.flush()
    return _one_valkey


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    opened = await open_pool(database.url("service"), name="tests", size=6)
    yield opened
    await close_pool(opened)


@pytest.fixture
async def budgets(valkey: ValkeyServer, pool: Pool) -> AsyncIterator[Budgets]:
    """Makes budgets, each as another process would have one, on one clock that the test moves."""
    made = Budgets(valkey.url, pool, FixedClock(SystemClock().now()))
    yield made
    await made.aclose()
