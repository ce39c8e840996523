"""Batches: thirty operations, HTTP 200 whatever became of them, in no promised order."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.sandbox.quickbooks.books import Books, Json


def create(bid: str, name: str) -> Json:
    return {"bId": bid, "operation": "create", "Customer": {"DisplayName": name}}


async def verdicts(books: Books, *items: Json, **query: Any) -> dict[str, Json]:
    told = await books.ok("POST", "/batch", {"BatchItemRequest": list(items)}, **query)
    rows = told["BatchItemResponse"]
    if len(rows) > 1:
        assert [row["bId"] for row in rows] != [item["bId"] for item in items]
    return {row["bId"]: row for row in rows}


def code_of(row: Json) -> str:
    return str(row["Fault"]["Error"][0]["code"])


class TestBatch:
    async def test_judges_each_item_by_itself(self, books: Books) -> None:
        made = await books.customer("Ada")
        stale = {"Id": made["Id"], "SyncToken": "7", "sparse": True, "Notes": "x"}
        fresh = {"Id": made["Id"], "SyncToken": "0", "sparse": True, "Notes": "y"}
        told = await verdicts(
            books, create("1", "Bo"), create("2", "Ada"), {"bId": "3", "operation": "update", "Customer": stale},
            {"bId": "4", "operation": "update", "Customer": fresh}, {"bId": "5", "Query": "select count(*) from Vendor"},
            {"bId": "6", "operation": "delete", "Customer": fresh}, {"bId": "7", "Query": "select"},
        )  # fmt: skip
        assert told["1"]["Customer"]["DisplayName"] == "Bo"
        assert (told["4"]["Customer"]["Notes"], told["5"]["QueryResponse"]) == ("y", {"totalCount": 0})
        assert [code_of(told[bid]) for bid in "2367"] == ["6240", "5010", "500", "4000"]
        row = next(row for row in reversed(books.app.log.since(0)[0]) if str(row["path"]).endswith("/batch"))
        assert {(one["kind"], one["op"]) for one in row["applied"]} == {("Customer", "create"), ("Customer", "update")}  # type: ignore[attr-defined]

    @pytest.mark.parametrize(
        ("items", "code"),
        [
            ([], "2020"), ([create(str(at), f"C{at}") for at in range(31)], "6000"), ([create("1", "A"), create("1", "B")], "2010"),
            ([{"operation": "create", "Customer": {"DisplayName": "A"}}], "2020"),
        ],
    )  # fmt: skip
    async def test_refuses_a_batch_that_is_none(self, books: Books, items: list[Json], code: str) -> None:
        assert await books.refused("POST", "/batch", {"BatchItemRequest": items}) == (400, code)
        assert books.state["records"]["Customer"] == []

    async def test_is_repeated_as_a_whole_by_its_request_id(self, books: Books) -> None:
        body = {"BatchItemRequest": [create(str(at), f"C{at}") for at in range(30)]}
        first = await books.send("POST", "/batch", body, requestid="b-1")
        again = await books.send("POST", "/batch", body, requestid="b-1")
        assert first.content == again.content
        assert len(books.state["records"]["Customer"]) == 30
        assert await books.refused("POST", "/batch", body, requestid="b" * 37) == (400, "2050")
        longer = {"BatchItemRequest": [create("1" * 11, "Z")]}
        assert await books.refused("POST", "/batch", longer, requestid="b-2") == (400, "2050")

    async def test_throttles_single_items_inside_an_answer_that_is_200(self, books: Books) -> None:
        books.core.faults.add(
            {"vendor": "quickbooks", "kind": "storm_429", "route": "BATCH POST /customer", "count": 1}
        )
        told = await verdicts(books, create("1", "Ada"), create("2", "Bo"))
        assert code_of(told["2"]) == "3001"
        assert [one["DisplayName"] for one in books.state["records"]["Customer"]] == ["Ada"]
