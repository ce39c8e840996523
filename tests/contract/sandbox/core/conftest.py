"""The ledger served in this process, and a receiver of webhooks beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.contract.sandbox.core.bench import Bench, Receiver
from tests.contract.sandbox.core.ledger import build, served


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    app, ledger = build(tmp_path)
    async with served(app) as base_url, httpx.AsyncClient(timeout=10, trust_env=False, verify=False) as client:
        yield Bench(app, ledger, base_url, client)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    taken = Receiver()
    server = await asyncio.start_server(taken.take, "127.0.0.1", 0)
    taken.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    yield taken
    server.close()
