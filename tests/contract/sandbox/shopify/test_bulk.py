"""Bulk operations (sheet, section 2.3)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.sandbox.shopify.shop import Json, Shop

RUN = "mutation($q:String!,$g:Boolean!){bulkOperationRunQuery(query:$q,groupObjects:$g){bulkOperation{id status} userErrors{code message}}}"
WITH_LINES = "{orders{edges{node{id lineItems{edges{node{id sku}}}}}}}"


async def run(shop: Shop, query: str, *, grouped: bool = False) -> Json:
    started: Json = (await shop.data(RUN, q=query, g=grouped))["bulkOperationRunQuery"]
    return started


async def result(shop: Shop, started: Json) -> tuple[Json, list[Any]]:
    shop.later(1)
    shop.later(3)
    query = "query($i:ID!){bulkOperation(id:$i){status url objectCount rootObjectCount errorCode}}"
    done = (await shop.data(query, i=started["bulkOperation"]["id"]))["bulkOperation"]
    if done["url"] is None:
        return done, []
    return done, [json.loads(line) for line in (await shop.http.get(done["url"])).text.splitlines()]


class TestBulk:
    async def test_leaves_lines_with_their_parents(self, shop: Shop) -> None:
        for _ in range(3):
            shop.place(("1.00", 1), ("2.00", 1))
        started = await run(shop, WITH_LINES)
        assert started["bulkOperation"]["status"] == "CREATED"
        done, rows = await result(shop, started)
        assert (done["status"], done["objectCount"], done["rootObjectCount"]) == ("COMPLETED", "9", "3")
        assert ["__parentId" in row for row in rows] == [False] * 3 + [True] * 6
        assert {row["__parentId"] for row in rows[3:]} == {row["id"] for row in rows[:3]}

    async def test_grouped_children_follow_their_parent(self, shop: Shop) -> None:
        for _ in range(2):
            shop.place(("1.00", 1), ("2.00", 1))
        _, rows = await result(shop, await run(shop, WITH_LINES, grouped=True))
        assert ["__parentId" in row for row in rows] == [False, True, True] * 2

    async def test_reads_whole_lists(self, shop: Shop) -> None:
        shop.simulator.seed("demo", 300, 1, False)
        _, rows = await result(shop, await run(shop, "{customers{edges{node{id email}}}}"))
        assert len(rows) == 300

    async def test_without_rows_there_is_no_file(self, shop: Shop) -> None:
        done, rows = await result(shop, await run(shop, WITH_LINES))
        assert (done["status"], done["url"], rows) == ("COMPLETED", None, [])

    async def test_what_the_token_may_not_read_fails(self, shop: Shop) -> None:
        token = (await shop.granted("read_customers"))["access_token"]
        started = (await shop.ask(RUN, token=token, q=WITH_LINES, g=False))["data"]["bulkOperationRunQuery"]
        shop.later(1)
        shop.later(3)
        query = "query($i:ID!){bulkOperation(id:$i){status errorCode}}"
        done = (await shop.ask(query, token=token, i=started["bulkOperation"]["id"]))["data"]["bulkOperation"]
        assert done == {"status": "FAILED", "errorCode": "ACCESS_DENIED"}

    async def test_sees_sixty_days_only_without_the_scope(self, shop: Shop) -> None:
        shop.place(("1.00", 1))
        shop.later(61 * 86_400)
        shop.place(("2.00", 1))
        token = (await shop.granted("read_orders"))["access_token"]
        await shop.ask(RUN, token=token, q="{orders{edges{node{id}}}}", g=False)
        shop.later(1)
        shop.later(3)
        done = (await shop.ask("{bulkOperations(first:1){nodes{objectCount}}}", token=token))["data"]
        assert done["bulkOperations"]["nodes"] == [{"objectCount": "1"}]

    @pytest.mark.parametrize(
        "query",
        [
            "{shop{name}}",
            "{orders{edges{node{ids}}}}",
            "{",
            "{orders{edges{node{id refunds{refundLineItems{edges{node{id lineItem{id}}}}}}}}} {",
        ],
    )
    async def test_query_that_cannot_run_is_refused(self, shop: Shop, query: str) -> None:
        assert (await run(shop, query))["userErrors"][0]["code"] == "INVALID"

    async def test_five_at_a_time(self, shop: Shop) -> None:
        for _ in range(5):
            assert (await run(shop, WITH_LINES))["userErrors"] == []
        assert (await run(shop, WITH_LINES))["userErrors"][0]["code"] == "OPERATION_IN_PROGRESS"

    async def test_file_is_kept_for_seven_days(self, shop: Shop) -> None:
        shop.place(("1.00", 1))
        done, rows = await result(shop, await run(shop, WITH_LINES))
        assert len(rows) == 2
        shop.later(8 * 86_400)
        assert (await shop.http.get(done["url"])).status_code == 404
