"""A fresh sandbox in this process, and its demo account by its operator or with a token."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from sandbox.app import Sandbox
from sandbox.registry import build
from tests.contract.sandbox.zoho_campaigns.campaigns import Campaigns, row_of


@pytest.fixture
async def operator(tmp_path: Path) -> AsyncIterator[Campaigns]:
    """The demo account by its operator: nothing is counted, and no token ends."""
    core, vendors = build(tmp_path)
    app = Sandbox(core, vendors, 3600)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sandbox.test") as http:
        yield Campaigns(app, core, http, row_of(app, "demo"))


@pytest.fixture
def campaigns(operator: Campaigns) -> Campaigns:
    """The same, connected."""
    return operator.connected()
