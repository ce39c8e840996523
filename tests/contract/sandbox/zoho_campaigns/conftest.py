"""A sandbox in this process, as at its first start for each test, and its demo account by its operator or with a token."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from sandbox.app import Sandbox
from sandbox.registry import build
from tests.contract.sandbox.zoho_campaigns.campaigns import VENDOR, Campaigns, row_of


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    core, vendors = build(tmp_path_factory.mktemp("campaigns"))
    return Sandbox(core, vendors, 3600)


@pytest.fixture
async def operator(app: Sandbox) -> AsyncIterator[Campaigns]:
    """The demo account by its operator: nothing is counted, and no token ends."""
    core = app.core
    core.faults.remove()
    app.log.reset()
    app.vendors.named(VENDOR).reset()
    if core.clock.offset_s:
        core.clock.restore()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sandbox.test") as http:
        yield Campaigns(app, core, http, row_of(app, "demo"))


@pytest.fixture
def campaigns(operator: Campaigns) -> Campaigns:
    """The same, connected."""
    return operator.connected()
