"""What a call is foretold to cost."""

from __future__ import annotations

from datetime import timedelta

from common.http.call import Call
from common.http.exchange import NoAnswer, RawAnswer
from common.http.points import Prices
from common.http.profile import Limit, PointsTold


def read(body: bytes) -> PointsTold | None:
    return PointsTold(int(body), 5, 900, 1_000, 50.0) if body else None


LIMITS = (
    Limit("at_once", "shopify:1", "concurrency", 10),
    Limit("points", "shopify:1", "points", 1_000, timedelta(seconds=20), told=read),
)
FEW, MANY = (Call("POST", "/graphql.json", "orders.read", cost=cost) for cost in (500, 900))


def answer(body: bytes) -> RawAnswer:
    return RawAnswer(200, {}, body, 0.1)


class TestPrices:
    def test_ours_until_the_vendor_has_told_its_own(self) -> None:
        prices = Prices()
        assert prices.of(FEW) == 500
        told = prices.told(FEW, LIMITS, answer(b"620"))
        assert told is not None and told.available == 900
        assert (prices.of(FEW), prices.of(MANY)) == (620, 900)

    def test_an_answer_that_tells_nothing_changes_nothing(self) -> None:
        prices = Prices()
        assert prices.told(FEW, LIMITS, answer(b"")) is None
        assert prices.told(FEW, LIMITS, NoAnswer("lost", sent=True, duration_s=0.1)) is None
        assert prices.told(FEW, LIMITS[:1], answer(b"620")) is None
        assert prices.of(FEW) == 500
