"""50 000 customers, 100 000 invoices and a 50 000-member audience: memory, answers and restart within their limits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.machine import computes_slower
from tests.support.sandbox import MeasuredSandbox, SandboxProcess

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
MEMORY_MB = 800


def memory_mb(process: SandboxProcess) -> float:
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def best_ms(call: Callable[[], httpx.Response], times: int = 9) -> float:
    """The quickest of several, in milliseconds of the limits' machine: what the sandbox needs, not what this one was busy with."""
    took = []
    for _ in range(times):
        started = time.perf_counter()
        assert call().status_code == 200
        took.append((time.perf_counter() - started) * 1000)
    return min(took) / computes_slower()


class Large:
    """A sandbox with the large accounts in it, and its demo operators."""

    def __init__(self, process: SandboxProcess) -> None:
        self.process = process
        self.http = httpx.Client(trust_env=False, verify=False, timeout=60)
        accounts = process.get("accounts")["accounts"]
        assert isinstance(accounts, list)
        self.rows = {row["vendor"]: row for row in accounts if row["name"] == "demo"}

    def page(self, number: int = 100) -> httpx.Response:
        books = self.rows["zoho-books"]
        query = {"organization_id": books["organization_id"], "page": number, "sort_column": "last_modified_time"}
        headers = {"authorization": f"Zoho-oauthtoken {books['operator_token']}"}
        return self.http.get(f"{self.process.base_url}/zoho/eu/api/books/v3/contacts", params=query, headers=headers)

    def batch(self) -> httpx.Response:
        mailchimp = self.rows["mailchimp"]
        rows = [{"email_address": f"n{n}@example.org", "status": "subscribed", "tags": ["x"]} for n in range(500)]
        return self.http.post(
            f"{self.process.base_url}/mailchimp/us6/3.0/lists/{mailchimp['audience_ids'][0]}",
            json={"members": rows, "update_existing": True},
            headers={"authorization": f"Bearer {mailchimp['operator_token']}"},
        )


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Large]:
    process = MeasuredSandbox(tmp_path_factory.mktemp("large")).start()
    for vendor in ("zoho-books", "mailchimp"):
        process.post("seed", {"vendor": vendor, "account": "demo", "size": 50_000, "seed": 7, "trouble": True})
    yield Large(process)
    process.kill()  # nobody needs its last snapshot


class TestLargeAccounts:
    def test_answer_in_time_and_fit_in_memory(self, large: Large) -> None:
        assert len(large.page().json()["contacts"]) == 200
        assert best_ms(large.page) < 30
        assert best_ms(large.batch) < 100
        assert memory_mb(large.process) < MEMORY_MB

    def test_come_back_in_time_and_whole(self, large: Large) -> None:
        before = large.page().json()
        large.process.stop()
        started = time.monotonic()
        large.process.start()
        assert large.page().json() == before
        assert time.monotonic() - started < 10 * computes_slower()
        assert best_ms(large.page) < 30
        assert memory_mb(large.process) < MEMORY_MB
