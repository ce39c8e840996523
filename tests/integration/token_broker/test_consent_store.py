"""The tokens of a consent, between two requests that end it: on a real database, with a vault that takes its time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from common.secret import Secret
from common.state.pool import DbConnection, Pool, close_pool, open_pool, transaction
from tests.support.broker import Broker, Browser, add_connection
from tests.support.broker_world import World
from token_broker.consent.store import Candidate, ConsentStore
from token_broker.vault.envelope import Vault

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


@dataclass
class SlowVault:
    """Opens after a while, unless the key was forgotten by then."""

    opening: asyncio.Event = field(default_factory=asyncio.Event)
    forgotten: asyncio.Event = field(default_factory=asyncio.Event)

    async def open(self, link: DbConnection, *_: Any) -> Secret:
        self.opening.set()
        try:
            await asyncio.wait_for(self.forgotten.wait(), 0.5)
        except TimeoutError:
            return Secret("token")
        raise AssertionError("its key was forgotten while it was being opened")

    async def forget(self, *_: Any) -> None:
        self.forgotten.set()


@pytest.fixture
async def pool(world: World) -> AsyncIterator[Pool]:
    made = await open_pool(world.database.url("broker"), name="test", size=2)
    yield made
    await close_pool(made)


@pytest.fixture
def consent(world: World, broker: Broker, name: str) -> str:
    """One whose person has consented and has a place to choose."""
    add_connection(world.database, name, "zoho-books")
    body = {"connection": name, "vendor": "zoho-books", "name": name, "site": "eu"}
    begun = broker.call("POST", "/v1/consents", json=body).json()
    browser = Browser()
    browser.get(browser.decide(browser.to_vendor(begun["start_url"])))
    return str(begun["id"])


class TestCandidate:
    async def test_is_not_ended_while_it_is_being_opened(self, pool: Pool, consent: str) -> None:
        vault = SlowVault()
        store = ConsentStore(pool, cast(Vault, vault))

        async def opened() -> Candidate | None:
            async with transaction(pool) as tx:
                return await store.candidate(tx, consent)

        async def ended() -> None:
            await vault.opening.wait()
            async with transaction(pool) as tx:
                await store.finish(tx, consent, "complete", "", "", "", NOW)

        found, _ = await asyncio.gather(opened(), ended())
        assert found is not None
        assert await opened() is None
