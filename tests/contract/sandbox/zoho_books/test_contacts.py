"""Contacts as the sheet has them: slim rows, whole details, unique names, replaced lists, filters and only those."""

from __future__ import annotations

import re

import pytest

from tests.contract.sandbox.zoho_books.books import Books
from tests.contract.sandbox.zoho_books.conftest import Connect
from tests.support.sandbox import SandboxProcess

STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}\Z")


def names(books: Books, **query: object) -> list[str]:
    return [row["contact_name"] for row in books.told("GET", "/contacts", **query)["contacts"]]


def seeded(sandbox: SandboxProcess, size: int, *, trouble: bool = True, seed: int = 7) -> None:
    body = {"vendor": "zoho-books", "account": "demo", "size": size, "seed": seed, "trouble": trouble}
    sandbox.post("seed", body)


class TestRows:
    def test_are_slim(self, books: Books) -> None:
        made = books.contact("Alder", "ida@alder.example", billing_address={"city": "Bonn"})
        [row] = books.told("GET", "/contacts")["contacts"]
        assert row["email"] == "ida@alder.example"
        assert row["contact_id"] == made["contact_id"]
        assert not {"billing_address", "contact_persons", "tags", "notes"} & set(row)

    def test_show_custom_fields_of_lists_in_the_hash(self, books: Books) -> None:
        fields = {"cf_segment": "Retail", "cf_account_manager": "Jo"}
        custom = [{"api_name": name, "value": value} for name, value in fields.items()]
        made = books.contact("Alder", custom_fields=custom)
        [row] = books.told("GET", "/contacts")["contacts"]
        assert row["custom_field_hash"] == {"cf_segment": "Retail", "cf_segment_unformatted": "Retail"}
        assert made["custom_field_hash"]["cf_account_manager"] == "Jo"
        assert {one["api_name"] for one in made["custom_fields"]} == set(fields)

    def test_write_amounts_as_exact_numbers(self, books: Books) -> None:
        customer = books.contact("Alder")["contact_id"]
        books.sent_invoice(customer, {"name": "Work", "rate": "120.5"})
        answer = books.send("GET", "/contacts")
        assert b'"outstanding_receivable_amount":120.50,' in answer.content

    def test_have_ids_as_numeric_strings_and_times_without_colon(self, books: Books) -> None:
        made = books.contact("Alder")
        assert re.fullmatch(r"\d{15,18}", made["contact_id"])
        assert STAMP.match(made["last_modified_time"])
        assert STAMP.match(made["created_time"])


class TestPages:
    def test_go_on_until_there_is_no_more(self, books: Books, sandbox: SandboxProcess) -> None:
        seeded(sandbox, 450)
        pages = [books.told("GET", "/contacts", page=page) for page in (1, 2, 3)]
        assert [len(page["contacts"]) for page in pages] == [200, 200, 50]
        assert [page["page_context"]["has_more_page"] for page in pages] == [True, True, False]
        ids = [row["contact_id"] for page in pages for row in page["contacts"]]
        assert len(set(ids)) == 450

    def test_are_cut_to_two_hundred(self, books: Books, sandbox: SandboxProcess) -> None:
        seeded(sandbox, 210)
        page = books.told("GET", "/contacts", per_page=1000)
        assert (len(page["contacts"]), page["page_context"]["per_page"]) == (200, 200)

    @pytest.mark.parametrize("wrong", [{"page": "x"}, {"page": 0}, {"sort_column": "website"}, {"filter_by": "No"}])
    def test_refuse_what_is_no_page(self, books: Books, wrong: dict[str, object]) -> None:
        status, code, message = books.refused("GET", "/contacts", **wrong)
        assert (status, code, message) == (400, 2, f"Invalid value passed for {next(iter(wrong))}")

    def test_sort_by_the_time_of_change_newest_first(self, books: Books, sandbox: SandboxProcess) -> None:
        for name in ("A", "B", "C"):
            books.contact(name)
            sandbox.post("clock", {"advance_s": 1})
        first = books.told("GET", "/contacts", contact_name="A")["contacts"][0]["contact_id"]
        books.told("PUT", f"/contacts/{first}", {"notes": "n"})
        assert names(books, sort_column="last_modified_time", sort_order="D") == ["A", "C", "B"]
        assert names(books, sort_column="last_modified_time", sort_order="A") == ["B", "C", "A"]


class TestFilters:
    @pytest.fixture(autouse=True)
    def people(self, books: Books) -> None:
        books.contact("Alder Works", "ida@alder.example", company_name="Alder", notes="prefers post")
        books.contact("Birch", "birch@birch.example", billing_address={"city": "Bonn"})
        books.contact("Vendor", contact_type="vendor")

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"contact_name": "alder works"}, ["Alder Works"]),
            ({"contact_name_startswith": "al"}, ["Alder Works"]),
            ({"contact_name_contains": "irc"}, ["Birch"]),
            ({"email": "IDA@alder.example"}, ["Alder Works"]),
            ({"email_contains": "birch"}, ["Birch"]),
            ({"address_contains": "bonn"}, ["Birch"]),
            ({"search_text": "POST"}, ["Alder Works"]),
            ({"contact_type": "vendor"}, ["Vendor"]),
            ({"company_name": "alder"}, ["Alder Works"]),
            ({"contact_name_contains": "r", "contact_type": "customer"}, ["Alder Works", "Birch"]),
            ({"zcrm_contact_id": "1"}, []),
        ],
    )
    def test_of_the_description_work(self, books: Books, query: dict[str, str], found: list[str]) -> None:
        assert names(books, **query) == found

    @pytest.mark.parametrize(
        "query",
        [
            {"last_modified_time": "2099-01-01T00:00:00+0000"},
            {"contact_id": "1"},
            {"currency_code": "JPY"},
            {"created_time": "x"},
            {"cf_segment": "Retail"},
        ],
    )
    def test_that_are_not_documented_are_ignored(self, books: Books, query: dict[str, str]) -> None:
        assert len(names(books, **query)) == 3

    def test_by_status_and_receivables(self, books: Books, sandbox: SandboxProcess) -> None:
        birch = books.told("GET", "/contacts", contact_name="Birch")["contacts"][0]["contact_id"]
        alder = books.told("GET", "/contacts", contact_name="Alder Works")["contacts"][0]["contact_id"]
        books.told("POST", f"/contacts/{birch}/inactive")
        invoice = books.sent_invoice(alder, date="2026-01-01", due_date="2026-01-02")
        assert names(books, filter_by="Status.Inactive") == ["Birch"]
        assert names(books, filter_by="Status.Active") == ["Alder Works", "Vendor"]
        assert names(books, filter_by="Invoice.OverDue") == names(books, filter_by="Invoice.Unpaid") == ["Alder Works"]
        books.payment(alder, 100, **{f"i{invoice['invoice_id']}": 100})
        assert names(books, filter_by="Invoice.OverDue") == names(books, filter_by="Invoice.Unpaid") == []

    def test_know_two_customers_with_one_address(self, books: Books) -> None:
        books.contact("Alder Two", "ida@alder.example")
        assert names(books, filter_by="Status.Duplicate") == ["Alder Two", "Alder Works"]


class TestNames:
    def test_are_unique_whatever_their_case(self, books: Books) -> None:
        books.contact("Müller")
        words = 'The customer "MÜLLER" already exists. Please specify a different name.'
        assert books.refused("POST", "/contacts", {"contact_name": "MÜLLER"}) == (400, 3062, words)
        other = books.contact("Other")["contact_id"]
        assert books.refused("PUT", f"/contacts/{other}", {"contact_name": "müller "})[1] == 3062
        assert books.refused("POST", "/contacts", {})[:2] == (400, 4)

    def test_are_free_again_after_a_deletion(self, books: Books) -> None:
        gone = books.contact("Alder")["contact_id"]
        assert books.told("DELETE", f"/contacts/{gone}")["message"] == "The contact has been deleted."
        assert books.refused("GET", f"/contacts/{gone}") == (404, 1002, "Contact does not exist.")
        books.contact("Alder")


class TestPersons:
    def test_have_the_email_the_contact_cannot_be_given(self, books: Books) -> None:
        body = {"contact_name": "Alder", "email": "top@alder.example", "first_name": "Top"}
        made = books.told("POST", "/contacts", body, 201)["contact"]
        assert (made["email"], made["first_name"], made["contact_persons"]) == ("", "", [])

    def test_are_replaced_as_a_list(self, books: Books) -> None:
        people = [{"first_name": "A", "email": "a@x.example"}, {"first_name": "B", "email": "b@x.example"}]
        made = books.contact("Alder", contact_persons=people)
        first, second = made["contact_persons"]
        assert (first["is_primary_contact"], second["is_primary_contact"]) == (True, False)
        kept = {"contact_person_id": second["contact_person_id"], "last_name": "Kept"}
        place = f"/contacts/{made['contact_id']}"
        after = books.told("PUT", place, {"contact_persons": [kept]})["contact"]
        [only] = after["contact_persons"]
        assert (only["first_name"], only["last_name"], only["is_primary_contact"]) == ("B", "Kept", True)
        assert after["email"] == "b@x.example"
        assert books.told("PUT", place, {"notes": "n"})["contact"]["contact_persons"] == [only]


class TestUpdates:
    def test_change_what_they_mention(self, books: Books) -> None:
        custom = [{"api_name": "cf_segment", "value": "Retail"}]
        made = books.contact("Alder", "a@x.example", billing_address={"city": "Bonn", "zip": "1"}, custom_fields=custom)
        changed = books.told("PUT", f"/contacts/{made['contact_id']}", {"billing_address": {"zip": "2"}})["contact"]
        expected = made | {"billing_address": made["billing_address"] | {"zip": "2"}}
        expected["last_modified_time"] = changed["last_modified_time"]
        assert changed == expected

    def test_are_logged_for_what_they_are(self, books: Books, sandbox: SandboxProcess) -> None:
        made = books.contact("Alder")["contact_id"]
        books.told("PUT", f"/contacts/{made}", {"notes": "n"})
        books.told("PUT", f"/contacts/{made}", {"notes": "n"})
        books.told("DELETE", f"/contacts/{made}")
        calls = [row for row in sandbox.get("log")["calls"] if row["vendor"] == "zoho-books"]  # type: ignore[attr-defined]
        applied = [entry for row in calls for entry in row["applied"]]
        assert [entry["op"] for entry in applied] == ["create", "update", "noop", "delete"]
        assert {(entry["kind"], entry["id"]) for entry in applied} == {("contact", made)}

    def test_refuse_a_form_where_json_is_expected(self, books: Books) -> None:
        place = f"{books.base_url}/contacts?organization_id={books.organization_id}"
        headers = {"authorization": f"Zoho-oauthtoken {books.token}"}
        answer = books.http.post(place, data={"contact_name": "A"}, headers=headers)
        assert (answer.status_code, answer.json()) == (400, {"code": 1038, "message": "JSON is not well formed"})

    def test_refuse_a_deletion_while_there_are_transactions(self, books: Books) -> None:
        customer = books.contact("Alder")["contact_id"]
        books.invoice(customer)
        assert books.refused("DELETE", f"/contacts/{customer}")[0] == 400
        assert books.told("POST", f"/contacts/{customer}/inactive")["message"] == (
            "The contact has been marked as inactive."
        )


HEADERS = {"X-Unique-Identifier-Key": "cf_external_id", "X-Unique-Identifier-Value": "A-17"}
CUSTOM = [{"api_name": "cf_external_id", "value": "A-17"}]
BODY = {"contact_name": "Alder", "custom_fields": CUSTOM}


class TestUniqueField:
    def test_updates_the_record_it_names(self, books: Books) -> None:
        made = books.contact("Alder", custom_fields=CUSTOM)
        answer = books.send("PUT", "/contacts", {"notes": "found"}, HEADERS)
        assert answer.status_code == 200
        assert answer.json()["contact"]["contact_id"] == made["contact_id"]
        assert answer.json()["message"] == "Contact has been updated successfully"

    def test_misses_without_upsert(self, books: Books) -> None:
        answer = books.send("PUT", "/contacts", BODY, HEADERS)
        assert (answer.status_code, answer.json()["code"]) == (404, 1002)
        assert names(books) == []

    def test_inserts_once_with_upsert(self, books: Books) -> None:
        headers = HEADERS | {"X-Upsert": "true"}
        answers = [books.send("PUT", "/contacts", BODY, headers) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [201, 200, 200]
        assert len({answer.json()["contact"]["contact_id"] for answer in answers}) == 1

    def test_does_not_store_the_headers_value_by_itself(self, books: Books, sandbox: SandboxProcess) -> None:
        headers = HEADERS | {"X-Upsert": "true"}
        assert books.send("PUT", "/contacts", {"contact_name": "Bare"}, headers).status_code == 201
        again = books.send("PUT", "/contacts", {"contact_name": "Bare"}, headers)
        assert again.json()["code"] == 3062
        sandbox.post("limits", {"vendor": "zoho-books", "account": "demo", "upsert_stores_key": True})
        assert books.send("PUT", "/contacts", {"contact_name": "Stored"}, headers).status_code == 201
        assert books.send("PUT", "/contacts", {"contact_name": "Stored"}, headers).status_code == 200

    def test_refuses_a_value_that_is_taken(self, books: Books) -> None:
        books.contact("Alder", custom_fields=CUSTOM)
        status, code, words = books.refused("POST", "/contacts", BODY | {"contact_name": "Birch"})
        assert (status, code, words) == (400, 2, "Invalid value passed for External ID")

    def test_is_refused_where_the_organisation_lacks_it(self, connect: Connect) -> None:
        plain = connect("demo-second")
        answer = plain.send("PUT", "/contacts", BODY, HEADERS | {"X-Upsert": "true"})
        assert (answer.status_code, answer.json()["code"]) == (400, 2)
        assert plain.refused("PUT", "/contacts", BODY)[:2] == (400, 4)

    def test_can_be_added_by_a_person(self, connect: Connect, sandbox: SandboxProcess) -> None:
        wanted = {"do": "add_custom_field", "label": "External ID", "api_name": "cf_external_id", "unique": True}
        sandbox.post("zoho-books/demo-second/people", wanted)
        answer = connect("demo-second").send("PUT", "/contacts", BODY, HEADERS | {"X-Upsert": "true"})
        assert answer.status_code == 201


class TestLag:
    def test_lists_show_what_was_and_reads_what_is(self, books: Books, sandbox: SandboxProcess) -> None:
        sandbox.post("limits", {"vendor": "zoho-books", "account": "demo", "list_lag_s": 30})
        made = books.contact("Before")["contact_id"]
        assert names(books) == []
        sandbox.post("clock", {"advance_s": 31})
        assert names(books) == ["Before"]
        books.told("PUT", f"/contacts/{made}", {"contact_name": "After"})
        assert names(books) == ["Before"]
        assert books.read("contacts", made)["contact_name"] == "After"
        sandbox.post("clock", {"advance_s": 31})
        assert names(books) == ["After"]
