"""What the API only shows: pages, orders, filters, refusals, and what people write; and the list of custom fields."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.zoho_books.papers import PAPERS
from tests.contract.sandbox.zoho_books.books import Books
from tests.contract.sandbox.zoho_books.conftest import Connect
from tests.support.sandbox import SandboxProcess


def write(sandbox: SandboxProcess, kind: str, *records: dict[str, Any]) -> list[str]:
    body = {"do": "write_papers", "kind": kind, "records": list(records)}
    ids = sandbox.post("zoho-books/demo/people", body)["ids"]
    assert isinstance(ids, list)
    return ids


def bill(number: int, **more: Any) -> dict[str, Any]:
    return {"bill_number": f"B-{number:04}", "vendor_name": "Sawmill", "vendor_id": "7", "date": "2026-05-04", "status": "open",
            "total": f"{number}.50", **more}  # fmt: skip


def numbers(books: Books, **query: object) -> list[str]:
    return [row["bill_number"] for row in books.told("GET", "/bills", **query)["bills"]]


class TestLists:
    def test_come_in_pages_that_say_whether_there_are_more(self, books: Books, sandbox: SandboxProcess) -> None:
        write(sandbox, "bills", *[bill(n) for n in range(205)])
        first = books.told("GET", "/bills", sort_column="bill_number", sort_order="A")
        second = books.told("GET", "/bills", sort_column="bill_number", sort_order="A", page=2)
        assert (len(first["bills"]), len(second["bills"])) == (200, 5)
        assert [one["page_context"]["has_more_page"] for one in (first, second)] == [True, False]
        assert first["page_context"] == {
            "page": 1, "per_page": 200, "has_more_page": True, "report_name": "Bills", "applied_filter": "Status.All",
            "sort_column": "bill_number", "sort_order": "A",
        }  # fmt: skip
        assert second["bills"][-1]["bill_number"] == "B-0204"

    def test_are_filtered_by_what_is_documented(self, books: Books, sandbox: SandboxProcess) -> None:
        write(sandbox, "bills", bill(1), bill(2, status="paid", vendor_name="Quarry"), bill(30, date="2026-07-01"))
        assert numbers(books, filter_by="Status.Paid") == ["B-0002"]
        assert numbers(books, status="open", sort_column="total", sort_order="D") == ["B-0030", "B-0001"]
        assert numbers(books, vendor_name_startswith="quar") == ["B-0002"]
        assert numbers(books, bill_number_contains="003") == ["B-0030"]
        assert numbers(books, date_after="2026-06-01") == ["B-0030"]
        assert numbers(books, total_less_than="2") == ["B-0001"]
        assert len(numbers(books, colour="red")) == 3

    def test_take_the_time_of_a_change_where_it_is_documented(self, books: Books, sandbox: SandboxProcess) -> None:
        old, edited = write(sandbox, "bills", bill(1), bill(2))
        sandbox.post("clock", {"advance_s": 600})
        write(sandbox, "bills", {"bill_id": edited, "status": "paid"})
        since = books.told("GET", f"/bills/{edited}")["bill"]["last_modified_time"]
        assert numbers(books, last_modified_time=since) == ["B-0002"]
        assert books.told("GET", f"/bills/{old}")["bill"]["created_time"] != since
        refused = books.http.get(
            f"{books.base_url}/bills?organization_id={books.organization_id}&last_modified_time={since}",
            headers={"authorization": f"Zoho-oauthtoken {books.token}"},
        )
        # A plus that was not encoded is no time.
        assert ("+" in since, refused.status_code) == (True, 400)

    def test_of_expenses_take_no_time_and_of_journals_have_none(self, books: Books, sandbox: SandboxProcess) -> None:
        write(sandbox, "expenses", {"date": "2026-05-04", "total": "5"})
        write(sandbox, "journals", {"journal_date": "2026-05-04", "entry_number": "9"})
        assert len(books.told("GET", "/expenses", last_modified_time="2099-01-01T00:00:00+0000")["expenses"]) == 1
        (row,) = books.told("GET", "/journals")["journals"]
        assert "last_modified_time" not in row and "created_time" not in row
        assert books.told("GET", f"/journals/{row['journal_id']}")["journal"]["last_modified_time"]

    @pytest.mark.parametrize("key", PAPERS)
    def test_sort_by_what_is_documented_and_refuse_the_rest(self, books: Books, key: str) -> None:
        for column in PAPERS[key].sorts:
            books.told("GET", f"/{key}", sort_column=column)
        assert books.refused("GET", f"/{key}", sort_column="colour")[:2] == (400, 2)

    def test_begin_with_a_chart_of_accounts_whose_accounts_lie_bare_in_the_envelope(self, books: Books) -> None:
        rows = books.told("GET", "/chartofaccounts")["chartofaccounts"]
        assert [row["account_name"] for row in rows][:2] == ["Accounts Payable", "Accounts Receivable"]
        found = books.told("GET", f"/chartofaccounts/{rows[0]['account_id']}")
        assert (found["account_name"], found["currency_code"], "chart_of_account" in found) == (
            "Accounts Payable",
            "EUR",
            False,
        )

    def test_show_what_was_when_they_lag(self, books: Books, sandbox: SandboxProcess) -> None:
        sandbox.post("limits", {"vendor": "zoho-books", "account": "demo", "list_lag_s": 5})
        (made,) = write(sandbox, "bills", bill(1))
        assert numbers(books) == []
        assert books.told("GET", f"/bills/{made}")["bill"]["total"] == 1.5
        sandbox.post("clock", {"advance_s": 10})
        assert numbers(books) == ["B-0001"]


class TestRefusals:
    @pytest.mark.parametrize("key", PAPERS)
    def test_an_id_that_names_nothing(self, books: Books, key: str) -> None:
        assert books.refused("GET", f"/{key}/123")[:2] == (404, 1002)

    @pytest.mark.parametrize("key", PAPERS)
    def test_nobody_writes_them_by_the_api(self, books: Books, key: str) -> None:
        assert books.refused("POST", f"/{key}", {})[:2] == (405, 37)

    def test_each_has_a_scope_of_its_own(self, connect: Connect) -> None:
        thin = connect(scope="ZohoBooks.bills.READ")
        thin.told("GET", "/bills")
        assert {thin.refused("GET", f"/{key}")[:2] for key in PAPERS if key != "bills"} == {(401, 57)}

    def test_people_write_no_column_that_there_is_not(self, sandbox: SandboxProcess) -> None:
        for wrong in ({"kind": "bills", "records": [{"colour": "red"}]}, {"kind": "letters", "records": []}):
            with pytest.raises(AssertionError):
                sandbox.post("zoho-books/demo/people", {"do": "write_papers", **wrong})


class TestPeople:
    def test_what_they_write_outlives_a_restart_and_a_seed(self, connect: Connect, sandbox: SandboxProcess) -> None:
        (kept, gone) = write(sandbox, "bills", bill(1), bill(2))
        sandbox.post("zoho-books/demo/people", {"do": "delete_paper", "kind": "bills", "id": gone})
        sandbox.post("seed", {"vendor": "zoho-books", "account": "demo", "size": 5, "seed": 7})
        sandbox.stop()
        sandbox.start()
        (row,) = connect().told("GET", "/bills")["bills"]
        assert (row["bill_id"], row["total"]) == (kept, 1.5)


class TestNativeSync:
    def test_marks_what_it_has_linked_with_the_crm(self, books: Books, sandbox: SandboxProcess) -> None:
        contact = books.contact("Alder")
        invoice = books.invoice(contact["contact_id"])
        books.contact("Berg")
        assert contact["is_linked_with_zohocrm"] is False
        for wanted in (
            {"contact_id": contact["contact_id"], "zcrm_account_id": "77"},
            {"invoice_id": invoice["invoice_id"], "zcrm_potential_id": "88"},
        ):
            sandbox.post("zoho-books/demo/people", {"do": "link_with_crm", **wanted})
        assert books.read("contacts", contact["contact_id"])["is_linked_with_zohocrm"] is True
        [found] = books.told("GET", "/contacts", zcrm_account_id="77")["contacts"]
        assert (found["contact_name"], found["is_linked_with_zohocrm"]) == ("Alder", True)
        [found] = books.told("GET", "/invoices", zcrm_potential_id="88")["invoices"]
        assert found["invoice_id"] == invoice["invoice_id"]


class TestFields:
    def test_are_those_of_a_module_with_their_options(self, books: Books) -> None:
        fields = books.told("GET", "/settings/fields", entity="contact", filter_custom_fields="true")["fields"]
        assert [one["api_name"] for one in fields] == [
            "cf_segment", "cf_termination", "cf_account_manager", "cf_external_id",
        ]  # fmt: skip
        assert [one["name"] for one in fields[0]["values"]] == ["Wholesale", "Retail", "Partner", "Public sector"]
        assert (fields[1]["label"], fields[1]["data_type"], fields[1]["is_custom_field"]) == (
            "Termination",
            "date",
            True,
        )

    def test_without_the_filter_have_the_modules_own_too(self, books: Books) -> None:
        fields = books.told("GET", "/settings/fields", entity="customer_payment")["fields"]
        assert [(one["api_name"], one["is_custom_field"]) for one in fields] == [
            ("created_time", False), ("cf_external_id", True),
        ]  # fmt: skip

    def test_of_a_module_that_is_not_named_or_not_known_are_refused(self, books: Books) -> None:
        assert books.refused("GET", "/settings/fields")[:2] == (400, 4)
        assert books.refused("GET", "/settings/fields", entity="letter")[:2] == (400, 2)
