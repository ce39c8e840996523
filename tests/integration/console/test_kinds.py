"""What can be read from a connection, looked at before a sync reads it: by the API and by the command line."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.console.test_command_line import Person, person
from tests.integration.console.test_connections import calls
from tests.support.broker import query
from tests.support.console import Console

__all__ = ["person"]
BILL = {
    "bill_number": "B-1",
    "vendor_id": "7",
    "vendor_name": "Sawmill",
    "status": "open",
    "total": "119.00",
    "date": "2026-05-04",
}
JOURNAL = {"journal_date": "2026-05-04", "entry_number": "9", "notes": "Loan", "total": "5.00"}


@pytest.fixture
def books(console: Console, called: str) -> str:
    """A connection whose organisation has two bills and a journal."""
    for kind, records in (("bills", [BILL, BILL | {"bill_number": "B-2"}]), ("journals", [JOURNAL])):
        for one in written(console, kind):
            people(console, {"do": "delete_paper", "kind": kind, "id": one})
        people(console, {"do": "write_papers", "kind": kind, "records": records})
    return console.connect_books(called)


def people(console: Console, wish: dict[str, Any]) -> None:
    assert console.world.sandbox is not None
    console.world.sandbox.post(f"zoho-books/{console.world.account('zoho-books')['name']}/people", wish)


def written(console: Console, kind: str) -> list[str]:
    assert console.world.sandbox is not None
    name = console.world.account("zoho-books")["name"]
    state: Any = console.world.sandbox.get("state/zoho-books", account=name)
    return [next(iter(one.values())) for one in state["accounts"][name]["papers"][kind]]


class TestKinds:
    def test_are_all_that_a_leg_can_start_from_and_nobody_is_asked(self, console: Console, books: str) -> None:
        before = len(calls(console, "/api/books/v3/"))
        found = console.told("GET", f"/connections/{books}/kinds")["items"]
        assert {"entity": "bill", "title": "Bills"} in found and {"entity": "customer", "title": "Customers"} in found
        assert len(calls(console, "/api/books/v3/")) == before

    def test_one_shows_its_fields_and_its_first_records_and_stores_nothing(self, console: Console, books: str) -> None:
        found = console.told("GET", f"/connections/{books}/kinds/bill?limit=1&unmask=true")
        fields = {one["path"]: one for one in found["fields"]}
        assert (fields["number"]["label"], fields["subtotal"]["in_list"]) == ("Bill Number", False)
        (bill,) = found["items"]
        assert (bill["fields"]["number"], bill["fields"]["total"], found["complete"]) == ("B-1", "119.00", False)
        assert console.told("GET", f"/connections/{books}/kinds/bill?limit=2")["complete"]
        assert query(console.world.database, "select 1 from flow.record_state where connection = $1", books) == []

    def test_names_of_persons_are_hidden_until_somebody_asks(self, console: Console, books: str) -> None:
        (bill, _) = console.told("GET", f"/connections/{books}/kinds/bill")["items"]
        assert bill["fields"]["supplier"] != "Sawmill" and bill["fields"]["total"] == "119.00"

    def test_what_the_list_tells_nothing_of_is_read_by_id(self, console: Console, books: str) -> None:
        (journal,) = console.told("GET", f"/connections/{books}/kinds/journal?unmask=true")["items"]
        assert (journal["fields"]["number"], journal["fields"]["notes"]) == ("9", "Loan")

    def test_whole_reads_each_by_id(self, console: Console, books: str) -> None:
        (bill, _) = console.told("GET", f"/connections/{books}/kinds/bill?whole=true&unmask=true")["items"]
        assert "lines" in bill["fields"] or "subtotal" in bill["fields"]

    def test_one_that_is_not_there_is_said_with_those_that_are(self, console: Console, books: str) -> None:
        told = console.told("GET", f"/connections/{books}/kinds/letter", 404)
        assert told["code"] == "CONNECTION_KIND_UNKNOWN" and "bill" in told["detail"]

    def test_a_vendor_that_is_away_is_said(self, console: Console, books: str) -> None:
        assert console.world.sandbox is not None
        console.world.sandbox.post(
            "faults", {"vendor": "zoho-books", "route": "GET /bills", "kind": "status", "status": 503}
        )
        try:
            assert console.told("GET", f"/connections/{books}/kinds/bill", 503)["code"] == "SYNC_VENDOR_AWAY"
        finally:
            console.world.sandbox.delete("faults")


class TestCommandLine:
    def test_lists_the_kinds_and_shows_one(self, person: Person, books: str) -> None:
        assert "bill" in person.run("read", books).stdout.split()
        shown = person.run("read", books, "bill", "--unmask", "--limit", "1").stdout
        assert "number" in shown and '"B-1"' in shown and "the first of more" in shown
        assert "subtotal" in shown and "read by id" in shown
        assert person.told("read", books, "bill")["complete"]
        assert "Values are hidden" in person.run("read", books, "bill").stdout

    def test_a_kind_that_is_not_there_ends_with_not_found(self, person: Person, books: str) -> None:
        assert "CONNECTION_KIND_UNKNOWN" in person.run("read", books, "letter", code=3).stderr
