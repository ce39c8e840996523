"""What our questions cost, and what answers say of the bucket."""

from __future__ import annotations

import inspect

import orjson
import pytest

from common.http.profile import PointsTold
from tests.contract.sandbox.shopify.shop import Shop
from vendors.shopify import queries
from vendors.shopify.limits import points_told
from vendors.shopify.prices import MOST, price

SIZES = {"lines": 40, "back": 10}
IDS = {f"o{at}": f"gid://shopify/Order/{at}" for at in range(20)} | {"question": "{orders{edges{node{id}}}}"}
IDS |= {"id": "gid://shopify/Order/1", "after": "x", "topic": "ORDERS_CREATE", "uri": "https://example.test/"}
QUESTIONS = {
    name: text
    for name, text in inspect.getmembers(queries, lambda value: isinstance(value, str))
    if name.isupper() and not name.startswith("_") and text.lstrip().startswith(("query", "mutation", "{"))
}
# A part of the others.
del QUESTIONS["MONEY"]
for family in ("COUNTS", "ORDER_PAGES", "REFUND_PAGES"):
    QUESTIONS |= {f"{family}.{name}": text for name, text in getattr(queries, family).items()}
QUESTIONS["rests"] = queries.rests(20)


class TestPrice:
    @pytest.mark.parametrize("name", sorted(QUESTIONS))
    async def test_is_what_the_vendor_reckons(self, shop: Shop, name: str) -> None:
        text = QUESTIONS[name]
        wanted = {key: value for key, value in (SIZES | IDS).items() if f"${key}:" in text}
        told = points_told((await shop.post(text, wanted)).content)
        assert told is not None
        assert price(text, wanted) == told.foretold

    @pytest.mark.parametrize(
        ("text", "points"),
        [
            ("{shop{name}}", 1),
            (
                'query($n:Int!){orders(first:$n,query:"a:\\"b\\" {"){edges{node{id} cursor} pageInfo{hasNextPage}}}',
                2 + 7,
            ),
            ("{orders(first:3){nodes{customer{id} lineItems(last:2){nodes{id}}}}}", 2 + 3 * (1 + 2 + 2)),
            ("{node(id:1){id ... on Order{customer{id}} ... on Customer{a{b} c{d}}}}", 1 + 2),
            ("mutation a($i:In={x:[1]}){x:orderUpdate(input:{id:1}){order{id}} y:orderClose{order{id}}}", 20),
            ("{orders(first:250){nodes{customer{id} a{b} c{d} e{f}}}}", MOST),
        ],
    )
    def test_goes_by_objects_and_sizes(self, text: str, points: int) -> None:
        assert price(text, {"n": 7}) == points


class TestTold:
    STATUS = {"maximumAvailable": 2000.0, "currentlyAvailable": 666, "restoreRate": 100.0}  # noqa: RUF012

    def body(self, **cost: object) -> bytes:
        return orjson.dumps(
            {"extensions": {"cost": {"requestedQueryCost": 752, "throttleStatus": self.STATUS, **cost}}}
        )

    def test_by_a_success_and_by_a_refusal(self) -> None:
        assert points_told(self.body(actualQueryCost=70)) == PointsTold(752, 70, 666, 2_000, 100.0)
        assert points_told(self.body(actualQueryCost=None)) == PointsTold(752, 0, 666, 2_000, 100.0)

    @pytest.mark.parametrize(
        "body",
        [b"", b"[1]", b'{"data":{}}', b'{"extensions":{"cost":{"requestedQueryCost":"many","actualQueryCost":1}}}'],
    )
    def test_what_is_no_such_answer_tells_nothing(self, body: bytes) -> None:
        assert points_told(body) is None

    def test_a_bucket_that_never_fills_up_is_not_believed(self) -> None:
        body = self.body(actualQueryCost=1, throttleStatus=self.STATUS | {"restoreRate": 0})
        assert points_told(body) is None
