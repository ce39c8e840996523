"""The limits of a company and of an application, and the meter of reads by month."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from sandbox.simulator import Answer, Request, Ticket
from tests.contract.sandbox.quickbooks.books import Books, Json

COUNT = {"query": "select count(*) from Customer"}
BATCH = {"BatchItemRequest": [{"bId": "1", "operation": "create", "Customer": {}}]}


@dataclass
class Paced:
    """Calls at exact moments, so that a slow machine counts as a fast one does."""

    books: Books
    at_s: float = 0.0

    def admit(self, method: str, name: str, body: object = None, query: Json | None = None) -> Answer | Ticket:
        return self.books.simulator.admit(self._request(method, name, body, query or {}))  # type: ignore[no-any-return]

    def status(self, method: str, name: str, body: object = None, query: Json | None = None) -> int:
        ticket = self.admit(method, name, body, query)
        if isinstance(ticket, Answer):
            return ticket.status
        answer: Answer = self.books.simulator.handle(self._request(method, name, body, query or {}), ticket)
        self.books.simulator.leave(ticket)
        return answer.status

    def count(self) -> int:
        return self.status("GET", "query", None, COUNT)

    def _request(self, method: str, name: str, body: object, query: Json) -> Request:
        path = f"/v3/company/{self.books.row['realm_id']}/{name}"
        now = self.books.core.clock.now().replace(minute=0, second=0, microsecond=0) + timedelta(seconds=self.at_s)
        return Request(
            method, "/quickbooks", path, tuple(path.strip("/").split("/")), path, list(query.items()),
            urlencode(query).encode(), {"authorization": f"Bearer {self.books.token}"}, json.dumps(body).encode(), "http://x",
            operator=False, now=now, mono_ns=0, id="r",
        )  # fmt: skip


@pytest.fixture
def paced(books: Books) -> Paced:
    books.simulator._world.switches.app_second = 10
    return Paced(books)


class TestLimits:
    def test_are_the_sheets(self, paced: Paced) -> None:
        numbers = paced.books.simulator.set_limits({})
        names = ("realm_minute", "app_second", "at_once", "batch_app_minute", "batch_realm_minute", "everything_minute")
        assert [numbers[name] for name in names] == [500, 10, 10, 40, 120, 800]
        assert numbers["reads_a_month"] == 500_000

    def test_ten_calls_a_second(self, paced: Paced) -> None:
        assert [paced.count() for _ in range(11)] == [200] * 10 + [429]
        paced.at_s = 0.9
        assert paced.count() == 429
        paced.at_s = 1.0
        assert paced.count() == 200

    async def test_a_minute_is_of_all_applications_of_a_company(self, paced: Paced) -> None:
        paced.books.switch(app_second=10_000, realm_minute=20)
        made = paced.books.act("register_app", name="other")
        other = paced.books.at("demo")
        other.client = (made["client_id"], made["client_secret"])
        await other.connect()
        both = (paced, Paced(other))
        assert [both[at % 2].count() for at in range(21)] == [200] * 20 + [429]
        paced.at_s = 60.0
        assert paced.count() == 200

    def test_forty_batches_a_minute_of_an_application_and_fewer_of_a_company(self, paced: Paced) -> None:
        paced.books.switch(app_second=10_000)
        assert [paced.status("POST", "batch", BATCH) for _ in range(41)] == [200] * 40 + [429]
        assert paced.count() == 200
        paced.books.switch(batch_app_minute=1_000, batch_realm_minute=42)
        assert [paced.status("POST", "batch", BATCH) for _ in range(3)] == [200, 200, 429]

    def test_ten_calls_at_once(self, paced: Paced) -> None:
        paced.books.switch(app_second=10_000)
        taken = [paced.admit("GET", "query", None, COUNT) for _ in range(10)]
        assert all(isinstance(one, Ticket) for one in taken)
        assert paced.count() == 429
        paced.books.simulator.leave(taken[0])
        assert paced.count() == 200

    async def test_are_told_by_a_text_under_any_status_and_no_header(self, books: Books) -> None:
        books.core.faults.add({"vendor": "quickbooks", "kind": "storm_429", "count": 2})
        answer = await books.send("GET", "/query", **COUNT)
        assert answer.status_code == 429
        assert "retry-after" not in answer.headers
        error = answer.json()["fault"]["error"][0]
        assert error["message"] == "message=ThrottleExceeded; errorCode=003001; statusCode=429"
        books.switch(throttle_status=403)
        assert await books.refused("GET", "/query", **COUNT) == (403, "3001")


class TestMeter:
    async def test_counts_reads_that_were_answered_and_no_writes(self, books: Books) -> None:
        made = await books.customer("Ada")
        await books.update(made, Notes="x")
        assert books.reads == 0
        await books.read(made["Id"])
        await books.query(COUNT["query"])
        await books.ok("GET", "/cdc", entities="Customer", changedSince="2026-01-01")
        await books.refused("GET", "/customer/999")
        items = [{"bId": str(at), "Query": text} for at, text in enumerate((COUNT["query"], COUNT["query"], "select"))]
        await books.ok("POST", "/batch", {"BatchItemRequest": items})
        assert books.reads == 5

    @pytest.mark.parametrize(("answer", "told"), [("throttled", (429, "3001")), ("forbidden", (403, "3001"))])
    async def test_blocks_reads_until_the_next_month(self, books: Books, answer: str, told: tuple[int, str]) -> None:
        books.switch(reads_a_month=2, empty_meter=answer)
        other = books.at("demo-north")
        await other.connect()
        await books.query(COUNT["query"])
        await other.query(COUNT["query"])
        assert await books.refused("GET", "/query", **COUNT) == told
        made = await books.customer("Ada")
        items = {"BatchItemRequest": [{"bId": "1", "Query": COUNT["query"]}]}
        [item] = (await books.ok("POST", "/batch", items))["BatchItemResponse"]
        assert item["Fault"]["Error"][0]["code"] == "3001"
        books.later(32 * 86_400)
        await books.renew()
        assert (await books.read(made["Id"]))["DisplayName"] == "Ada"

    async def test_and_the_limits_are_not_the_operators(self, operator: Books) -> None:
        operator.switch(reads_a_month=0, app_second=1)
        for _ in range(3):
            await operator.query(COUNT["query"])
        assert operator.reads == 0
