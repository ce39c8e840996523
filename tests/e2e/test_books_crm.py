"""Customers of Zoho Books and accounts and contacts of Zoho CRM, edited on both sides: in step, by one write an edit and none for its echo.

CRM_PACE says how many edits on each side are timed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from millrace.demo import connect_books
from millrace.demo_crm import SYNC, connect_crm, join_people
from millrace.errors import CommandError
from tests.e2e.opening import opened
from tests.e2e.road import Mark, Road
from tests.e2e.sales import Sales, differences
from tests.support.database import Server
from tests.support.local_stack import LocalStack

STEPS = (connect_books, connect_crm, join_people)
WITHIN_S = 120.0
STREET = {
    "address": "Main Street 1",
    "street2": "Back yard",
    "city": "Vienna",
    "state": "",
    "zip": "1010",
    "country": "Austria",
}


PERSONS = [
    {"first_name": "Ida", "last_name": "Alder", "email": "ida@alder.example", "phone": "+43 1 1", "designation": "Owner", "is_primary_contact": True},
    {"first_name": "Bo", "last_name": "Finch", "email": "bo@alder.example", "mobile": "+43 660 2", "department": "Purchase"},
]  # fmt: skip


@pytest.fixture(scope="module")
def road(
    tmp_path_factory: pytest.TempPathFactory, stack: LocalStack, database_server: Server, database_template: str
) -> Iterator[Road]:
    """Both sides joined, with the writer between them."""
    with opened(tmp_path_factory.mktemp("crm") / "home", stack, database_server, database_template, STEPS) as road:
        road.fleet.start("writer-zoho")
        yield road


@pytest.fixture(scope="module")
def sales(road: Road) -> Sales:
    return Sales(road.sandbox)


def company(road: Road, name: str = "Alder & Finch Works", **more: Any) -> str:
    body = {"contact_name": name, "company_name": name, "contact_type": "customer", **more}
    return str(road.books.told("POST", "/contacts", body)["contact"]["contact_id"])


def customer(road: Road, record: str) -> dict[str, Any]:
    return dict(road.books.told("GET", f"/contacts/{record}")["contact"])


def there(road: Road, sales: Sales, module: str, **values: object) -> dict[str, Any]:
    """The one record of the CRM with these values, as soon as it is there."""
    found = road.until(lambda: sales.named(module, **values), f"{module} with {values}", WITHIN_S)
    assert found is not None
    return found


def heard(road: Road, record: str) -> bool:
    """Of the edits that were made while nothing was written."""
    told = road.sql.value(
        "select fields->>'billing' like any(array['%Vienna%', '%Pune%']) from flow.record_state where record = $1",
        record,
    )
    return bool(told)


def marked(road: Road, record: str) -> bool:
    """Whether we know of the vendor's own sync."""
    return bool(
        road.sql.value("select fields -> 'kept_by_own_sync' = 'true' from flow.record_state where record = $1", record)
    )


def cedar(road: Road, sales: Sales) -> tuple[str, str]:
    """Its ids in the CRM and in Books."""
    [account] = [one for one in sales.records("Accounts") if one["Account_Name"].startswith("Cedar")]
    [record] = [one["contact_id"] for one in road.books.customers() if one["contact_name"].startswith("Cedar Works")]
    return str(account["id"]), str(record)


def in_step(road: Road, sales: Sales, within: float = WITHIN_S) -> None:
    """Everything that one side has, the other has."""
    road.wait_until_quiet(within)
    assert differences(road.books.customers(), sales) == []


def writes(road: Road, since: Mark) -> list[str]:
    """Calls of ours that changed something, by vendor and route."""
    return sorted(
        f"{vendor} {one['route']}"
        for vendor in ("zoho-books", "zoho-crm")
        for one in road.calls_of(since, vendor)
        if any(act["op"] != "noop" for act in one["applied"])
    )


def next_second() -> None:
    """By their own stamps, which have seconds, what comes now is newer."""
    time.sleep(1.1)


class TestFirst:
    def test_a_customer_with_a_company_is_an_account_with_its_persons_under_it(self, road: Road, sales: Sales) -> None:
        company(road, website="https://alder.example", billing_address=STREET, contact_persons=PERSONS)
        road.until(lambda: len(sales.records("Contacts")) == len(PERSONS), "both persons", WITHIN_S)
        in_step(road, sales)
        assert len(sales.records("Accounts")) == 1

    def test_a_customer_without_one_is_a_contact_alone(self, road: Road, sales: Sales) -> None:
        road.customer_created("eda@alone.example", first="Eda", last="Alone", billing_address=STREET)
        there(road, sales, "Contacts", Email="eda@alone.example")
        in_step(road, sales)

    def test_an_account_and_a_contact_of_sales_people_are_customers(self, road: Road, sales: Sales) -> None:
        mills = {"Account_Name": "Birch Mills", "Website": "https://birch.example", "Billing_City": "Pune"}
        account = sales.made("Accounts", **mills)
        sales.made(
            "Contacts", First_Name="Cy", Last_Name="Birch", Email="cy@birch.example", Account_Name={"id": account}
        )
        sales.made("Contacts", First_Name="Dee", Last_Name="Single", Email="dee@single.example", Mailing_City="Goa")
        road.until(lambda: len(road.books.customers()) == 4, "both are customers", WITHIN_S)
        road.until(lambda: "cy@birch.example" in str(road.books.customers()), "the person of the account", WITHIN_S)
        in_step(road, sales)


class TestEdits:
    def test_in_books_is_one_write_in_the_crm_and_none_for_its_echo(self, road: Road, sales: Sales) -> None:
        record = company(road, "Cedar Works")
        account = there(road, sales, "Accounts", Account_Name="Cedar Works")
        in_step(road, sales)
        next_second()
        mark = road.mark()
        road.customer_edited(record, website="https://cedar.example")
        there(road, sales, "Accounts", id=account["id"], Website="https://cedar.example")
        in_step(road, sales)
        assert len(writes(road, mark)) == 1

    def test_in_the_crm_is_one_write_in_books_and_none_for_its_echo(self, road: Road, sales: Sales) -> None:
        contact = there(road, sales, "Contacts", Email="eda@alone.example")
        mark = road.mark()
        sales.edited("Contacts", contact["id"], Mobile="+91 98 1")
        road.until(lambda: "+91 98 1" in str(road.books.customers()), "the telephone", WITHIN_S)
        in_step(road, sales)
        assert len(writes(road, mark)) == 1

    def test_of_a_person_on_either_side_is_one_write_and_none_for_its_echo(self, road: Road, sales: Sales) -> None:
        contact = there(road, sales, "Contacts", Email="bo@alder.example")
        mark = road.mark()
        sales.edited("Contacts", contact["id"], Title="Head of purchase")
        road.until(lambda: "Head of purchase" in str(road.books.customers()), "the title", WITHIN_S)
        in_step(road, sales)
        assert len(writes(road, mark)) == 1
        [person] = [
            p for one in road.books.customers() for p in one["contact_persons"] if p["email"] == "ida@alder.example"
        ]
        next_second()
        mark = road.mark()
        road.books.told(
            "PUT", f"/contacts/contactpersons/{person['contact_person_id']}", {"first_name": "Ida", "phone": "+43 1 9"}
        )
        there(road, sales, "Contacts", Email="ida@alder.example", Phone="+43 1 9")
        in_step(road, sales)
        assert len(writes(road, mark)) == 1

    def test_that_enters_a_contact_under_a_paired_account_makes_a_person_and_no_second_customer(
        self, road: Road, sales: Sales
    ) -> None:
        account, _ = cedar(road, sales)
        before = len(road.books.customers())
        sales.made(
            "Contacts", First_Name="Fay", Last_Name="Cedar", Email="fay@cedar.example", Account_Name={"id": account}
        )
        road.until(lambda: "fay@cedar.example" in str(road.books.customers()), "the person", WITHIN_S)
        in_step(road, sales)
        assert len(road.books.customers()) == before

    def test_of_both_ends_leave_the_address_of_the_books_and_the_name_of_the_sales_people(
        self, road: Road, sales: Sales
    ) -> None:
        account, record = cedar(road, sales)
        with road.console() as console:
            console.post(f"/syncs/{SYNC}/pause")
        next_second()
        road.customer_edited(record, company_name="Cedar Mills", billing_address=STREET)
        sales.edited("Accounts", account, Account_Name="Cedar & Sons", Billing_City="Pune")
        road.until(lambda: heard(road, record) and heard(road, account), "both are heard")
        with road.console() as console:
            console.post(f"/syncs/{SYNC}/resume")
        road.until(lambda: customer(road, record)["company_name"] == "Cedar & Sons", "the name of the CRM", WITHIN_S)
        there(road, sales, "Accounts", id=account, Billing_City="Vienna")
        in_step(road, sales)


class TestAMerge:
    def test_in_the_crm_proposes_who_is_left_and_the_link_moves_there_once_a_person_agrees(
        self, road: Road, sales: Sales
    ) -> None:
        """Two contacts of one address, of whom one has the customer; a person makes them one, and the other is left."""
        road.customer_created("gus@merged.example", first="Gus", last="Merged")
        first = there(road, sales, "Contacts", Email="gus@merged.example")["id"]
        in_step(road, sales)
        second = sales.made(
            "Contacts", First_Name="Gustav", Last_Name="Merged", Email="gus@merged.example", Mobile="+91 98 7"
        )
        [customer_of] = [one["contact_id"] for one in road.books.customers() if "gus@merged.example" in str(one)]
        with road.console() as console:

            def asked(kind: str) -> list[dict[str, Any]]:
                return [one for one in console.get("/reviews", kind=kind)["items"] if str(second) in one["right"]]

            road.until(lambda: asked("match"), "who the second one is", WITHIN_S)
            road.wait_until_quiet(WITHIN_S)
            next_second()
            before, mark = {str(one["contact_id"]) for one in road.books.customers()}, road.mark()
            sales.people("merge", module="Contacts", into=second, ids=[first])
            road.until(lambda: asked("merge"), "who is left", WITHIN_S)
            road.wait_until_quiet(WITHIN_S)
            assert writes(road, mark) == [], "nothing before a person has agreed"
            [one] = asked("merge")
            assert one["left_value"] == [str(customer_of)]
            console.post(f"/reviews/{one['id']}/decide", {"answer": f"link:{customer_of}", "reason": "merged"})
            road.until(lambda: not asked("merge"), "it is decided", WITHIN_S)
        in_step(road, sales)
        assert {str(one["contact_id"]) for one in road.books.customers()} == before, "nobody is made, nobody is gone"
        assert sales.named("Contacts", Email="gus@merged.example", id=second) is not None
        links = road.sql.rows(
            "select left_id, right_id from flow.pair where state = 'linked' and left_id = $1", str(customer_of)
        )
        assert [tuple(row) for row in links] == [(str(customer_of), str(second))]


class TestPreview:
    def test_of_what_is_in_step_has_nobody_to_link_to_ask_about_or_to_make(self, road: Road, sales: Sales) -> None:
        with road.console() as console:
            found = {one["leg"]: one["matching"] for one in console.get(f"/syncs/{SYNC}/preview")["legs"]}
        nobody = {"matched": 0, "asked_left": 0, "asked_right": 0, "new_right": 0, "new_left": 0}
        under = [bool(one.get("Account_Name")) for one in sales.records("Contacts")]
        assert {leg: found[leg] for leg in ("account", "contact", "person")} == {
            "account": {"linked": len(sales.records("Accounts"))} | nobody,
            "contact": {"linked": under.count(False)} | nobody,
            "person": {"linked": under.count(True)} | nobody,
        }


class TestWithoutWebhooks:
    def test_an_edit_on_either_side_comes_with_the_usual_look_and_from_then_on_within_a_minute(
        self, road: Road, sales: Sales
    ) -> None:
        account, record = cedar(road, sales)
        with road.fault("zoho-crm", "webhook_lost"), road.fault("zoho-books", "webhook_lost"):
            for number, seconds in enumerate((310, 60, 60)):
                site, city = f"https://cedar{number}.example", f"Graz {number}"
                sales.edited("Accounts", account, Website=site)
                road.customer_edited(record, billing_address=STREET | {"city": city})
                time.sleep(1)
                road.advance(seconds)
                road.until(lambda: customer(road, record)["website"] == site, "the website in Books", WITHIN_S)  # noqa: B023
                there(road, sales, "Accounts", id=account, Billing_City=city)
        in_step(road, sales)


class TestTheVendorsOwnSync:
    def test_stops_our_writes_when_it_is_switched_on_and_lets_nobody_resume_before_it_is_off(
        self, road: Road, sales: Sales
    ) -> None:
        record = company(road, "Elm Works")
        account = there(road, sales, "Accounts", Account_Name="Elm Works")["id"]
        in_step(road, sales)
        next_second()
        linked = {"do": "link_with_crm", "contact_id": record, "zcrm_account_id": account}
        road.sandbox.post("zoho-books/demo/people", dict(linked))
        with road.console() as console:
            road.until(lambda: console.get(f"/syncs/{SYNC}")["state"] == "paused", "the sync is paused", WITHIN_S)
            next_second()
            mark = road.mark()
            road.customer_edited(record, website="https://elm.example")
            road.until(lambda: len(road.journal_of(record, "received")) > 2, "the edit is heard", WITHIN_S)
            with pytest.raises(CommandError, match="ZB_OWN_CRM_SYNC"):
                console.post(f"/syncs/{SYNC}/resume")
            assert writes(road, mark) == []
            road.sandbox.post("zoho-books/demo/people", linked | {"zcrm_account_id": ""})
            road.until(lambda: not marked(road, record), "the mark is gone", WITHIN_S)
            console.post(f"/syncs/{SYNC}/resume")
        there(road, sales, "Accounts", id=account, Website="https://elm.example")
        in_step(road, sales)


class TestPace:
    # Of each side; records have rest between two of theirs.
    EDITS = int(os.environ.get("CRM_PACE", "4"))
    RECORDS = min(EDITS, 6)

    def test_from_an_edit_to_its_write(self, road: Road, sales: Sales) -> None:
        """Printed with the number of calls; each edit has its one write. Edits of one record in one second are another story: they wait for
        each other's settled read."""
        records = [company(road, f"Dale Works {number}") for number in range(self.RECORDS)]
        accounts = [
            there(road, sales, "Accounts", Account_Name=f"Dale Works {number}")["id"] for number in range(self.RECORDS)
        ]
        in_step(road, sales)
        for to_crm in (True, False):
            took, mark = [], road.mark()
            for number in range(self.EDITS):
                next_second()
                record, account = records[number % self.RECORDS], accounts[number % self.RECORDS]
                site, began = f"https://{'to' if to_crm else 'from'}{number}.example", time.monotonic()
                if to_crm:
                    road.customer_edited(record, website=site)
                    there(road, sales, "Accounts", id=account, Website=site)
                else:
                    sales.edited("Accounts", account, Website=site)
                    road.until(lambda: customer(road, record)["website"] == site, site, WITHIN_S)  # noqa: B023
                took.append(time.monotonic() - began)
            in_step(road, sales)
            calls = {one: len(road.calls_of(mark, one)) for one in ("zoho-books", "zoho-crm")}
            p50 = sorted(took)[self.EDITS // 2]
            print(f"{'to' if to_crm else 'from'} the CRM: p50 {p50:.2f} s, worst {max(took):.2f} s, calls {calls}")
            assert len(writes(road, mark)) == self.EDITS
