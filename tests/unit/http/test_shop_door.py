"""The door at a vendor that counts points: what it foretells, and what it hears from answers and refusals."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import orjson
import pytest

from common.clock import SystemClock
from common.contracts.connections import Connection
from common.failures import Failure, RateLimited
from common.http.call import Api, Priority
from common.http.door import Door
from common.http.profile import Limit, PointsTold
from tests.support.odd_vendor import OddVendor, answer, odd_vendor
from tests.unit.http.fakes import FakeBudget, FakePermit, FakeTokens, Remembered
from vendors.shopify.client import NAME, ShopifyProfile, ping
from vendors.vendor import connection_of

SHOP = connection_of(NAME, "shop", shop="demo.myshopify.com")


class HearingPermit(FakePermit):
    """Remembers what an answer told of the points."""

    def __init__(self, endings: list[str], heard: list[PointsTold | None]) -> None:
        super().__init__(endings)
        self._heard = heard

    def answered(self, told: PointsTold | None = None) -> None:
        super().answered(told)
        self._heard.append(told)


@dataclass
class HearingBudget(FakeBudget):
    heard: list[PointsTold | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    async def admit(
        self,
        connection: Connection,
        limits: tuple[Limit, ...],
        priority: Priority,
        *,
        hold_s: float,
        deadline: float,
        cost: int = 1,
    ) -> FakePermit:
        await super().admit(connection, limits, priority, hold_s=hold_s, deadline=deadline, cost=cost)
        return HearingPermit(self.endings, self.heard)


@dataclass
class ShopScene:
    vendor: OddVendor
    budget: HearingBudget
    api: Api


@pytest.fixture
async def shop() -> AsyncIterator[ShopScene]:
    async with odd_vendor() as vendor:
        budget = HearingBudget()
        door = Door(FakeTokens(), budget, SystemClock(), {"shopify": f"{vendor.url}/shopify"}, sink=Remembered())
        yield ShopScene(vendor, budget, door.open(ShopifyProfile(), SHOP))
        await door.aclose()


def says(price: int, spent: int | None, left: int, **more: object) -> bytes:
    status = {"maximumAvailable": 2_000.0, "currentlyAvailable": left, "restoreRate": 100.0}
    cost = {"requestedQueryCost": price, "actualQueryCost": spent, "throttleStatus": status}
    return orjson.dumps({**more, "extensions": {"cost": cost}})


class TestPoints:
    async def test_the_vendors_price_of_a_question_is_waited_for_from_its_first_answer_on(
        self, shop: ShopScene
    ) -> None:
        for _ in range(2):
            shop.vendor.then(answer(body=says(7, 3, 1_900, data={})))
            await shop.api.call(ping(SHOP))
        assert shop.budget.costs == [1, 7]
        assert shop.budget.heard == [PointsTold(7, 3, 1_900, 2_000, 100.0)] * 2

    async def test_a_refusal_costs_nothing_tells_how_much_there_is_and_when_there_is_enough(
        self, shop: ShopScene
    ) -> None:
        refused = {"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]}
        shop.vendor.then(answer(body=says(750, None, 250, **refused)))
        before = SystemClock().now()
        with pytest.raises(RateLimited) as caught:
            await shop.api.call(ping(SHOP))
        assert caught.value.code == "SH_THROTTLED" and caught.value.retry_at is not None
        assert timedelta(seconds=5) <= caught.value.retry_at - before < timedelta(seconds=15)
        assert shop.budget.heard == [PointsTold(750, 0, 250, 2_000, 100.0)]
        assert [one.scope for one in shop.budget.refusals] == ["points"] and shop.budget.endings == ["answered"]

    async def test_an_answer_without_a_word_of_points_is_an_answer(self, shop: ShopScene) -> None:
        shop.vendor.then(answer(500, body=b"<html>"))
        with pytest.raises(Failure):
            await shop.api.call(ping(SHOP))
        assert shop.budget.heard == [None]
