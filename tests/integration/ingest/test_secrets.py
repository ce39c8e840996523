"""A flood of ids that nobody knows costs bounded memory and a bounded number of questions; whom we know is served all the while."""

from __future__ import annotations

import asyncio
import time
import tracemalloc
from collections.abc import AsyncIterator, Iterator

import pytest

from common.contracts.ids import ConnectionId
from common.secret import Secret
from ingest.secrets import KnownSecrets, SecretsAway
from ingest.unknown import AT_ONCE, PER_SECOND, REMEMBERED, UnknownIds
from tests.support.ingest_service import SECRET, SecretBroker, secret_broker

BOOKS = ConnectionId("books")
FLOOD = 100_000


@pytest.fixture
def broker() -> Iterator[SecretBroker]:
    with secret_broker("books", "late") as made:
        yield made


@pytest.fixture
async def secrets(broker: SecretBroker, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[KnownSecrets]:
    # The broker is in this very process, and a flood keeps it busy.
    monkeypatch.setattr("ingest.secrets.TIMEOUT_S", 30.0)
    made = KnownSecrets(broker.url, lambda: Secret("k"), {BOOKS})
    yield made
    await made.aclose()


async def asked(secrets: KnownSecrets, connection: str) -> object:
    try:
        return await secrets.of(ConnectionId(connection))
    except SecretsAway:
        return "later"


class TestFlood:
    async def test_asks_the_broker_at_a_pace_and_those_we_know_at_once(
        self, secrets: KnownSecrets, broker: SecretBroker
    ) -> None:
        tracemalloc.start()
        began = time.monotonic()
        for first in range(0, FLOOD, 100):
            answers = await asyncio.gather(*(asked(secrets, f"stranger-{first + n}") for n in range(100)))
            assert set(answers) <= {None, "later"}
            if first % 10_000 == 0:
                assert await secrets.of(BOOKS) == (Secret(SECRET),)
        took, (_, peak) = time.monotonic() - began, tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(broker.asked) <= AT_ONCE + PER_SECOND * took + 2
        assert peak < 8 * 2**20

    async def test_one_that_is_not_configured_yet_is_served_when_there_is_no_flood(self, secrets: KnownSecrets) -> None:
        assert await secrets.of(ConnectionId("late")) == (Secret(SECRET),)

    async def test_an_unknown_one_is_remembered(self, secrets: KnownSecrets, broker: SecretBroker) -> None:
        assert [await asked(secrets, "nobody") for _ in range(5)] == [None] * 5
        assert broker.asked == ["nobody"]


class TestUnknownIds:
    def test_a_hundred_thousand_take_the_memory_of_ten_thousand(self) -> None:
        tracemalloc.start()
        unknown = UnknownIds()
        for number in range(FLOOD):
            unknown.add(ConnectionId(f"{number:064d}"))
        (held, _) = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(unknown) == REMEMBERED
        assert held < 5 * 2**20
        assert ConnectionId(f"{FLOOD - 1:064d}") in unknown
        assert ConnectionId(f"{0:064d}") not in unknown
