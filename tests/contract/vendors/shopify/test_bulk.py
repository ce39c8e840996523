"""A whole shop by the file of a bulk operation, against the simulated shop."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from common.failures import Failure, RateLimited
from common.http.call import Call, VendorAnswer
from tests.contract.sandbox.shopify.shop import Shop
from tests.contract.vendors.shopify.shops import CONNECTION, VENDOR, ShopApi
from vendors.shopify import bulk, queries
from vendors.shopify.bulk import BY_PAGES, BulkMark, ShopBulk
from vendors.shopify.listing import ListMark
from vendors.vendor import Cursor, Entity, Page, Subject

ORDER, CUSTOMER = Entity("order"), Entity("customer")
MANY, LARGE, PAGE = 60, 40, 25


@pytest.fixture(autouse=True)
def _a_shop_is_large_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "FROM", {ORDER: LARGE, CUSTOMER: LARGE})
    monkeypatch.setattr(bulk, "PAGE", PAGE)


@pytest.fixture
async def full(shop: Shop) -> Shop:
    await shop.http.post(
        "/_sandbox/seed", json={"vendor": "shopify", "account": "demo", "size": MANY, "seed": 7, "trouble": True}
    )
    return shop


async def pages(api: ShopApi, since: Cursor | None = None, entity: Entity = ORDER, *, most: int = 1000) -> list[Page]:
    """So many pages; after them the reader is no more, like one that was killed."""
    assert VENDOR.whole is not None
    found: list[Page] = []
    async for page in VENDOR.whole.pages(CONNECTION, entity, since, api):
        found.append(page)
        if len(found) == most:
            break
    return found


async def begun(shop: Shop, api: ShopApi, entity: Entity = ORDER) -> Cursor:
    """The operation was begun, and has ended since."""
    (page,) = await pages(api, entity=entity, most=1)
    assert page.states == [] and page.next is not None
    await shop.http.post("/_sandbox/clock", json={"advance_s": 5})
    return page.next


def operations(api: ShopApi) -> list[Call]:
    return [call for call in api.calls if call.operation == "bulk.begin"]


def spent(api: ShopApi) -> int:
    return sum(api.costs)


class TestWholeShop:
    async def test_orders_are_told_as_a_read_by_id_tells_them(self, full: Shop, api: ShopApi) -> None:
        read = await pages(api, await begun(full, api))
        told = {state.record: state for page in read for state in page.states}
        assert len(told) == MANY and [page.about for page in read[:-1]] == [MANY] * (len(read) - 1)
        whole = [one for one in told.values() if one.coverage == "detail"]
        assert len(whole) == MANY * 9 // 10
        assert VENDOR.source is not None
        for ours in whole[:20]:
            # Nobody waits for the shop's points here: what a read costs is back by the next one.
            await full.http.post("/_sandbox/clock", json={"advance_s": 10})
            (theirs,) = await VENDOR.source.read(CONNECTION, [Subject(ORDER, ours.record)], api)
            assert not isinstance(theirs, Failure)
            assert ours.fields == theirs.fields
            assert ours.version.stamp == theirs.version.stamp

    async def test_those_with_refunds_are_told_by_their_stamp_and_asked_for(self, full: Shop, api: ShopApi) -> None:
        read = await pages(api, await begun(full, api))
        named = [state for page in read for state in page.states if state.coverage == "list"]
        assert len(named) == MANY // 10
        assert all(set(one.fields) == {"id", "updated_at"} and one.kind == "changed" for one in named)

    async def test_what_changes_later_is_told_by_the_lists_that_follow(self, full: Shop, api: ShopApi) -> None:
        *_, last = await pages(api, await begun(full, api))
        assert last.next is not None and not last.complete
        mark = ListMark.of(last.next)
        assert mark.since is not None and not mark.after
        await full.http.post(
            "/_sandbox/shopify/demo/people",
            json={
                "action": "place_order",
                "order": {
                    "lineItems": [
                        {
                            "title": "Tea",
                            "quantity": 1,
                            "priceSet": {"shopMoney": {"amount": "1.00", "currencyCode": "EUR"}},
                        }
                    ]
                },
            },
        )
        assert VENDOR.source is not None
        later = [
            state async for page in VENDOR.source.pages(CONNECTION, ORDER, last.next, api) for state in page.states
        ]
        assert 1 <= len(later) < MANY

    async def test_customers_come_whole_and_complete(self, full: Shop, api: ShopApi) -> None:
        read = await pages(api, await begun(full, api, CUSTOMER), CUSTOMER)
        told = {state.record: state.fields for page in read for state in page.states}
        assert VENDOR.source is not None
        listed = {
            s.record: s.fields
            async for page in VENDOR.source.pages(CONNECTION, CUSTOMER, None, api)
            for s in page.states
        }
        assert told == listed and len(told) == MANY
        assert read[-1].complete

    async def test_small_shop_is_read_by_its_pages(self, shop: Shop, api: ShopApi) -> None:
        await shop.order(("10.00", 1))
        read = await pages(api)
        assert sum(len(page.states) for page in read) >= 1
        assert operations(api) == [] and read[-1].next is not None

    async def test_costs_next_to_nothing(self, full: Shop, api: ShopApi) -> None:
        await pages(api, await begun(full, api))
        assert len(api.calls) <= 6 and spent(api) < 50


class TestResuming:
    async def test_waiting_costs_no_attempt_and_says_how_far_it_is(self, full: Shop, api: ShopApi) -> None:
        (page,) = await pages(api, most=1)
        with pytest.raises(RateLimited) as waits:
            await pages(api, page.next)
        assert waits.value.code == "SH_BULK_RUNNING" and len(operations(api)) == 1

    async def test_one_that_was_begun_and_not_stored_is_found_again(self, full: Shop, api: ShopApi) -> None:
        first, second = (await pages(api, most=1), await pages(api, most=1))
        assert first[0].next == second[0].next
        assert len(operations(api)) == 1

    async def test_a_reader_that_dies_after_any_page_goes_on_behind_it(self, full: Shop, api: ShopApi) -> None:
        cursor, told = await begun(full, api), list[str]()
        for _ in range(MANY // PAGE):
            (page,) = await pages(api, cursor, most=1)
            told += [state.record for state in page.states]
            assert page.next is not None
            cursor = page.next
        *_, last = await pages(api, cursor)
        told += [state.record for state in last.states]
        assert len(told) == len(set(told)) == MANY
        whole = await pages(api, BulkMark(BulkMark.of(cursor).operation).cursor())  # type: ignore[union-attr]
        assert last.next == whole[-1].next
        assert len(operations(api)) == 1


class Told(ShopApi):
    """The shop, and what it says of the operation instead."""

    says: dict[str, Any]

    async def call(self, call: Call) -> VendorAnswer:
        answer = await super().call(call)
        if call.operation != "bulk.look":
            return answer
        body = orjson.loads(answer.body)
        found = body["data"]["bulkOperation"]
        body["data"]["bulkOperation"] = None if self.says.get("status") == "gone" else found | self.says
        return VendorAnswer(200, answer.headers, orjson.dumps(body), answer.date, "", 0.0)


class TestWithoutAFile:
    @pytest.mark.parametrize(
        "says",
        [
            {"status": "FAILED", "errorCode": "TIMEOUT"}, {"status": "CANCELED"}, {"status": "EXPIRED"}, {"status": "gone"},
            {"completedAt": "2020-01-01T00:00:00Z"}, {"rootObjectCount": "61"}, {"status": "SOMETHING_NEW"},
        ],
        ids=lambda says: "-".join(map(str, says.values())),
    )  # fmt: skip
    async def test_the_shop_is_read_by_its_pages_and_wholly(
        self, full: Shop, api: ShopApi, says: dict[str, Any]
    ) -> None:
        cursor = await begun(full, api)
        other = Told(full, api.token)
        other.says = says
        read = await pages(other, cursor)
        named = {state.record for page in read for state in page.states if state.coverage == "list"}
        assert len(named) == MANY
        at = [page.next for page in read].index(BY_PAGES)
        # Killed just there, it does not begin another operation.
        again = await pages(other, read[at].next)
        assert sum(len(page.states) for page in again) == MANY
        assert operations(other) == []

    async def test_also_where_the_vendor_takes_no_further_operation(self, full: Shop, api: ShopApi) -> None:
        for _ in range(5):
            await full.data(queries.BULK_BEGIN, question="{customers{edges{node{id}}}}")
        read = await pages(api)
        assert sum(len(page.states) for page in read) == MANY

    async def test_or_leaves_lines_apart_from_their_orders(self, full: Shop, api: ShopApi) -> None:
        question = queries.BULK_BEGIN.replace("groupObjects:true", "groupObjects:false")
        made = await full.data(question, question=queries.WHOLE["order"])
        await full.http.post("/_sandbox/clock", json={"advance_s": 5})
        cursor = BulkMark(made["bulkOperationRunQuery"]["bulkOperation"]["id"]).cursor()
        read = await pages(api, cursor)
        assert BY_PAGES in [page.next for page in read]

    def test_a_cursor_of_pages_is_none_of_ours(self) -> None:
        assert BulkMark.of(BY_PAGES) is None and BulkMark.of(ListMark().cursor()) is None and BulkMark.of(None) is None
        assert isinstance(VENDOR.whole, ShopBulk)


class TestSixtyDays:
    @pytest.mark.parametrize(
        ("entity", "scopes", "said"),
        [
            ("order", "read_customers,read_orders", 1),
            ("order", "read_all_orders,read_orders", 0),
            ("order", "", 0),
            ("customer", "read_orders", 0),
        ],
    )
    def test_are_said_where_the_right_to_all_orders_is_lacking(self, entity: str, scopes: str, said: int) -> None:
        from vendors.vendor import connection_of

        connection = connection_of(VENDOR.name, "c-1", shop="demo.myshopify.com", scopes=scopes)
        assert len(VENDOR.remarks(connection, Entity(entity))) == said
