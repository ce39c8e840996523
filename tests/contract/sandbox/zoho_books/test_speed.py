"""An organisation of the size that is promised: its pages and its writes. How large it is, and how soon back, core/test_scale.py says."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest

from tests.contract.sandbox.zoho_books.books import NO_TLS, Books, account_of
from tests.support.machine import computes_slower
from tests.support.sandbox import SandboxProcess

SIZE = 50_000
# The time promised for one page of the limits' machine; a busy one may need more, a linear search would need ten times as much.
PAGE_S, GENEROUS = 0.030, 3


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """Snapshots only when the test says so."""
    process = SandboxProcess(tmp_path_factory.mktemp("large"), snapshot_seconds=3600).start()
    process.post("seed", {"vendor": "zoho-books", "account": "demo", "size": SIZE, "seed": 7, "trouble": True})
    yield process
    process.kill()


@pytest.mark.slow
class TestLarge:
    @staticmethod
    def operator(sandbox: SandboxProcess) -> Books:
        account = account_of(sandbox, "demo")
        http = httpx.Client(timeout=60, verify=NO_TLS, trust_env=False)
        return Books(account["base_url"], account["organization_id"], account["operator_token"], http)

    @pytest.mark.parametrize(
        "query",
        [
            {"page": 1},
            {"page": 125},
            {"page": 250},
            {"page": 1, "sort_column": "last_modified_time", "sort_order": "D"},
            {"page": 100, "filter_by": "Status.Active"},
        ],
    )
    def test_lists_a_page_in_time(self, large: SandboxProcess, query: dict[str, object]) -> None:
        books = self.operator(large)
        took = []
        for _ in range(5):
            begun = time.perf_counter()
            page = books.told("GET", "/contacts", **query)
            took.append(time.perf_counter() - begun)
            assert len(page["contacts"]) == 200
        assert min(took) < PAGE_S * GENEROUS * computes_slower()

    def test_finds_and_writes_without_searching(self, large: SandboxProcess) -> None:
        books = self.operator(large)
        row = books.told("GET", "/contacts", page=77, per_page=1)["contacts"][0]
        books.told("GET", "/contacts", email=row["email"])
        begun = time.perf_counter()
        for nth in range(10):
            books.told("GET", "/contacts", contact_name=row["contact_name"])
            books.told("PUT", f"/contacts/{row['contact_id']}", {"notes": str(nth)})
            newest = books.told("GET", "/contacts", sort_column="last_modified_time", sort_order="D", per_page=1)
            assert newest["contacts"][0]["contact_id"] == row["contact_id"]
        assert (time.perf_counter() - begun) / 30 < PAGE_S * GENEROUS * computes_slower()
