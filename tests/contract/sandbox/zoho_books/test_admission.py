"""Who gets in, and how often: tokens, scopes, organisations, and limits exact to the call."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
import pytest

from tests.contract.sandbox.zoho_books.books import Books, account_of
from tests.contract.sandbox.zoho_books.conftest import Connect
from tests.support.sandbox import SandboxProcess

NOBODY = (401, 57, "You are not authorized to perform this operation")
NO_TOKEN = (401, 14, "Invalid value passed for authtoken.")
STRANGER = (400, 6041, "This user is not associated with the CompanyID/CompanyName.")
MINUTE = (
    429,
    44,
    "For security reasons your organization has been blocked as it have exceeded the maximum number of requests per"
    " minute that can originate from an organization.",
)
AT_ONCE = (
    429,
    1070,
    "You have reached the maximum number of in process requests allowed. Kindly try again after some time.",
)


def limit(sandbox: SandboxProcess, **wanted: object) -> None:
    sandbox.post("limits", {"vendor": "zoho-books", "account": "demo", **wanted})


def read(books: Books) -> int:
    return books.send("GET", "/users/me").status_code


class TestAdmission:
    def test_refuses_without_a_token(self, connect: Connect) -> None:
        books = connect()
        answer = httpx.get(f"{books.base_url}/contacts", params={"organization_id": books.organization_id})
        assert (answer.status_code, answer.json()["code"], answer.json()["message"]) == NO_TOKEN

    def test_refuses_an_unknown_token(self, connect: Connect) -> None:
        books = connect()
        books.token = "1000.dead.beef"
        assert books.refused("GET", "/contacts") == NOBODY

    def test_refuses_a_token_of_another_data_centre_like_a_dead_one(self, connect: Connect) -> None:
        books = connect("demo-us")
        books.token = connect("demo").token
        assert books.refused("GET", "/contacts") == NOBODY

    def test_refuses_a_missing_scope_like_a_dead_token(self, connect: Connect) -> None:
        books = connect(scope="ZohoBooks.contacts.READ")
        assert books.told("GET", "/contacts")["contacts"] == []
        assert books.refused("POST", "/contacts", {"contact_name": "A"}) == NOBODY
        assert books.refused("GET", "/invoices") == NOBODY

    def test_refuses_an_expired_token(self, connect: Connect, sandbox: SandboxProcess) -> None:
        books = connect()
        sandbox.post("clock", {"advance_s": 3601})
        assert books.refused("GET", "/contacts") == NOBODY

    def test_refuses_another_data_centres_or_no_organisation(self, connect: Connect) -> None:
        books = connect()
        for organization_id in (connect("demo-us").organization_id, "1", ""):
            books.organization_id = organization_id
            assert books.refused("GET", "/contacts") == STRANGER

    def test_shows_each_user_their_organisations(self, connect: Connect, sandbox: SandboxProcess) -> None:
        owner, colleague = connect(), connect(who="colleague")
        names = [row["name"] for row in owner.told("GET", "/organizations")["organizations"]]
        assert names == ["Alder & Finch", "Alder & Finch Retail"]
        assert len(colleague.told("GET", "/organizations")["organizations"]) == 1
        colleague.organization_id = str(account_of(sandbox, "demo-second")["organization_id"])
        assert colleague.refused("GET", "/contacts") == STRANGER

    def test_knows_paths_and_methods(self, connect: Connect) -> None:
        books = connect()
        assert books.refused("GET", "/nowhere") == (404, 5, "Invalid URL Passed")
        words = "The HTTP method is not allowed for the requested resource"
        assert books.refused("POST", "/users/me") == (405, 37, words)

    def test_dates_answers_by_the_sandboxs_clock(self, connect: Connect, sandbox: SandboxProcess) -> None:
        books = connect()
        sandbox.post("clock", {"advance_s": 1800})
        answer = books.send("GET", "/users/me")
        assert len(answer.headers.get_list("date")) == 1
        ahead = parsedate_to_datetime(answer.headers["date"]) - datetime.now(UTC)
        assert 1790 < ahead.total_seconds() < 1810


class TestMinute:
    @pytest.mark.parametrize("window", ["fixed", "rolling"])
    def test_takes_a_hundred_calls_and_not_one_more(
        self, connect: Connect, sandbox: SandboxProcess, window: str
    ) -> None:
        limit(sandbox, window=window)
        sandbox.post("clock", {"at": "2026-11-22T10:00:00Z"})
        books = connect()
        assert [read(books) for _ in range(100)] == [200] * 100
        refused = books.send("GET", "/users/me")
        assert (refused.status_code, refused.json()["code"], refused.json()["message"]) == MINUTE
        assert "retry-after" not in refused.headers
        assert not any("limit" in name.lower() for name in refused.headers)

    def test_ends_with_the_calendar_minute_when_fixed(self, connect: Connect, sandbox: SandboxProcess) -> None:
        limit(sandbox, window="fixed", per_minute=3)
        sandbox.post("clock", {"at": "2026-11-22T10:00:50Z"})
        books = connect()
        assert [read(books) for _ in range(4)] == [200, 200, 200, 429]
        sandbox.post("clock", {"at": "2026-11-22T10:01:00Z"})
        assert [read(books) for _ in range(4)] == [200, 200, 200, 429]

    def test_ends_a_minute_after_each_call_when_rolling(self, connect: Connect, sandbox: SandboxProcess) -> None:
        limit(sandbox, window="rolling", per_minute=3)
        sandbox.post("clock", {"at": "2026-11-22T10:00:50Z"})
        books = connect()
        assert [read(books) for _ in range(4)] == [200, 200, 200, 429]
        sandbox.post("clock", {"at": "2026-11-22T10:01:40Z"})
        assert read(books) == 429
        sandbox.post("clock", {"at": "2026-11-22T10:01:55Z"})
        assert [read(books) for _ in range(4)] == [200, 200, 200, 429]

    def test_counts_each_organisation_by_itself(self, connect: Connect, sandbox: SandboxProcess) -> None:
        limit(sandbox, per_minute=1)
        sandbox.post("clock", {"at": "2026-11-22T10:00:00Z"})
        assert [read(connect()) for _ in range(2)] == [200, 429]
        assert read(connect("demo-second")) == 200


class TestDay:
    def test_ends_at_the_organisations_midnight(self, connect: Connect, sandbox: SandboxProcess) -> None:
        limit(sandbox, per_day=2, per_minute=1000)
        sandbox.post("clock", {"at": "2026-11-22T22:30:00Z"})
        books = connect()
        assert [read(books) for _ in range(2)] == [200, 200]
        words = "The API call for this organization has exceeded the maximum call rate limit of 2."
        assert books.refused("GET", "/users/me") == (429, 45, words)
        sandbox.post("clock", {"at": "2026-11-22T22:59:00Z"})
        assert read(books) == 429
        sandbox.post("clock", {"at": "2026-11-22T23:00:00Z"})  # midnight in Berlin
        assert read(books) == 200

    @pytest.mark.parametrize(("plan", "calls"), [("free", 1000), ("standard", 2000), ("professional", 5000)])
    def test_has_the_plans_number(self, sandbox: SandboxProcess, plan: str, calls: int) -> None:
        limits = sandbox.post("limits", {"vendor": "zoho-books", "account": "demo", "plan": plan})["limits"]
        assert limits["demo"]["per_day"] == calls  # type: ignore[index]


class TestConcurrency:
    def test_refuses_the_call_above_the_limit(self, connect: Connect, sandbox: SandboxProcess) -> None:
        limit(sandbox, concurrency=2)
        slow = {"vendor": "zoho-books", "account": "demo", "kind": "latency", "seconds": 600}
        sandbox.post("faults", slow)
        sessions = [connect() for _ in range(3)]
        with ThreadPoolExecutor(3) as pool:
            calls = [pool.submit(one.send, "GET", "/users/me") for one in sessions]
            wait(calls, timeout=25, return_when=FIRST_COMPLETED)
            sandbox.delete("faults?go=1")  # two are in progress until then
            answers = [call.result() for call in calls]
        assert sorted(answer.status_code for answer in answers) == [200, 200, 429]
        [refused] = [answer.json() for answer in answers if answer.status_code == 429]
        assert (429, refused["code"], refused["message"]) == AT_ONCE
        assert read(sessions[0]) == 200


class TestOperator:
    def test_is_outside_every_limit_and_count(self, connect: Connect, sandbox: SandboxProcess) -> None:
        limit(sandbox, per_minute=1, per_day=1)
        operator = connect(operator=True)
        assert [read(operator) for _ in range(5)] == [200] * 5
        assert [row for row in sandbox.get("counts")["counts"] if row["vendor"] == "zoho-books"] == []  # type: ignore[attr-defined]
        calls = [row for row in sandbox.get("log")["calls"] if row["vendor"] == "zoho-books"]  # type: ignore[attr-defined]
        assert [row["operator"] for row in calls] == [True] * 5
        assert read(connect()) == 200
