"""What a consumer asks of the broker: the first record at once, or company for it, by what came the last time."""

from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

from common.bus import batches as module
from common.bus.batches import ENOUGH_BYTES, Batches
from common.bus.limits import ConsumerLimits
from common.patience import Patience

LIMITS = ConsumerLimits(company=Patience(each_s=0.01, longest_s=0.2), poll_ms=1000)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look at the clock is a second after the last one: nobody comes close behind a batch."""
    seconds = count()
    monkeypatch.setattr(module, "monotonic", lambda: float(next(seconds)))


class Client:
    """A consumer whose fetches bring what the test says, and that remembers how each was asked for."""

    def __init__(self, *brings: int) -> None:
        self._brings = list(brings)
        self._fetcher = SimpleNamespace(_fetch_min_bytes=1, _fetch_max_wait_ms=500)
        self.waited: list[int] = []

    async def getmany(self, *, timeout_ms: int, max_records: int) -> dict[str, list[int]]:
        self.waited.append(timeout_ms)
        count = self._brings.pop(0)
        return {"p0": list(range(count))} if count else {}

    @property
    def asks(self) -> tuple[int, int]:
        return self._fetcher._fetch_min_bytes, self._fetcher._fetch_max_wait_ms


async def asked(*brings: int) -> tuple[list[tuple[int, int]], Client]:
    client: Any = Client(*brings)
    batches, asks = Batches(LIMITS), []
    for _ in brings:
        await batches.next(client)
        asks.append(client.asks)
    return asks, client


class TestBatches:
    async def test_alone_the_first_record_is_asked_for_at_once(self) -> None:
        asks, client = await asked(1, 0, 1)
        assert asks == [(1, 500)] * 3
        assert client.waited == [1000] * 3

    async def test_after_company_the_broker_keeps_them_for_more(self) -> None:
        (first, second), _ = await asked(3, 12)
        assert first == (ENOUGH_BYTES, 30)
        assert second == (ENOUGH_BYTES, 200)

    async def test_the_wait_is_bounded_and_ends_with_the_load(self) -> None:
        asks, client = await asked(400, 0, 1)
        assert asks == [(ENOUGH_BYTES, 200), (1, 500), (1, 500)]
        # A silence after the burst is noticed within two waits.
        assert client.waited == [1000, 400, 1000]

    async def test_one_that_comes_as_soon_as_the_last_batch_is_done_has_company(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "monotonic", lambda: 1.0)
        asks, _ = await asked(1, 1, 0, 1)
        assert asks == [(1, 500), (ENOUGH_BYTES, 20), (1, 500), (ENOUGH_BYTES, 20)]
