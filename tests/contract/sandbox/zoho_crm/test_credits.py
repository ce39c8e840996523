"""Credits over a rolling day, calls at once, heavy calls: exact to the credit."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import Any

import pytest

from tests.contract.sandbox.zoho_crm.conftest import Act, Connect
from tests.contract.sandbox.zoho_crm.crm import VENDOR, Crm, Document
from tests.support.sandbox import SandboxProcess

ROW = {"Last_Name": "Alder"}


def spent(crm: Crm, switch: Act, method: str, path: str, body: Document | None = None, **query: object) -> int:
    """What a call costs: told by the header from half of the credits on."""
    switch(credits=100)
    before = crm.send("GET", "/org")
    while "x-api-credits-remaining" not in before.headers:
        before = crm.send("GET", "/org")
    after = crm.send(method, path, body, **query)
    return int(before.headers["x-api-credits-remaining"]) - int(after.headers["x-api-credits-remaining"])


class TestPrices:
    @pytest.mark.parametrize(
        ("method", "path", "body", "price"),
        [
            ("GET", "/users", None, 1),
            ("POST", "/Contacts", {"data": [ROW] * 10}, 1),
            ("POST", "/Contacts", {"data": [ROW] * 11}, 2),
            ("POST", "/Contacts/upsert", {"data": [ROW] * 100}, 10),
            ("POST", "/coql", {"select_query": "select id from Contacts where id is not null"}, 1),
            ("POST", "/coql", {"select_query": "select id from Contacts where id is not null limit 0, 201"}, 2),
            ("POST", "/coql", {"select_query": "select id from Contacts where id is not null limit 1001"}, 3),
        ],
    )
    def test_are_the_sheets(
        self, crm: Crm, switch: Act, method: str, path: str, body: Document | None, price: int
    ) -> None:
        assert spent(crm, switch, method, path, body) == price

    def test_of_deletes_go_by_ten_too(self, crm: Crm, switch: Act) -> None:
        assert spent(crm, switch, "DELETE", "/Contacts", ids=",".join(str(n) for n in range(1, 22))) == 3


class TestCredits:
    def test_are_told_from_half_on_and_refused_when_they_are_gone(self, crm: Crm, switch: Act) -> None:
        switch(credits=4)
        answers = [crm.send("GET", "/org") for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 429]
        remaining = [answer.headers.get("x-api-credits-remaining") for answer in answers]
        assert remaining == [None, "2", "1", "0", None]
        assert answers[4].json()["code"] == "TOO_MANY_REQUESTS"
        assert crm.refused("GET", "/actions/watch")[1] == "RATE_LIMIT_EXCEEDED"
        assert "retry-after" not in answers[4].headers

    def test_come_back_a_day_after_each_was_spent(self, connect: Connect, switch: Act, sandbox: SandboxProcess) -> None:
        switch(credits=1)
        sandbox.post("clock", {"at": "2026-12-01T10:00:00Z"})
        assert [connect().send("GET", "/org").status_code for _ in range(2)] == [200, 429]
        sandbox.post("limits", {"vendor": "zoho-accounts", "token_s": 86_400})
        for at, status in (("2026-12-02T09:59:59Z", 429), ("2026-12-02T10:00:05Z", 200)):
            sandbox.post("clock", {"at": at})
            fresh = connect(scope=f"ZohoCRM.org.READ,ZohoCRM.users.{'READ' if status == 200 else 'ALL'}")
            assert fresh.send("GET", "/org").status_code == status

    def test_an_operator_spends_none(self, operator: Crm, crm: Crm, switch: Act) -> None:
        switch(credits=1)
        assert [operator.send("GET", "/org").status_code for _ in range(3)] == [200] * 3
        assert crm.send("GET", "/org").status_code == 200


class TestAtOnce:
    @pytest.mark.parametrize(
        ("limits", "method", "path", "body"),
        [
            ({"concurrency": 2}, "GET", "/org", None),
            ({"sub_concurrency": 2}, "POST", "/coql", {"select_query": "select id from Contacts where id is null"}),
        ],
    )
    def test_refuses_the_call_above_the_limit(
        self,
        connect: Connect,
        switch: Act,
        sandbox: SandboxProcess,
        limits: Document,
        method: str,
        path: str,
        body: Any,
    ) -> None:
        switch(**limits)
        sandbox.post("faults", {"vendor": VENDOR, "account": "demo", "kind": "latency", "seconds": 600})
        sessions = [connect() for _ in range(3)]
        with ThreadPoolExecutor(3) as pool:
            calls = [pool.submit(one.send, method, path, body) for one in sessions]
            wait(calls, timeout=25, return_when=FIRST_COMPLETED)
            sandbox.delete("faults?go=1")  # two are in progress until then
            codes = sorted(call.result().status_code for call in calls)
        assert codes[1] < 300
        assert codes[2] == 429
        assert sessions[0].send(method, path, body).status_code < 300
