"""What invoices and payments tell of a customer, through every service: first of a whole account, then live, then by the calendar alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from millrace.demo import DEMO_SYNC, connect_books, connect_mailchimp
from tests.e2e.opening import opened
from tests.e2e.road import Mark, Road
from tests.e2e.vendors import tags_of
from tests.support.database import Server
from tests.support.local_stack import LocalStack


@pytest.fixture(scope="module")
def road(
    tmp_path_factory: pytest.TempPathFactory, stack: LocalStack, database_server: Server, database_template: str
) -> Iterator[Road]:
    """Both accounts are connected; no sync yet."""
    steps = (connect_books, connect_mailchimp)
    with opened(tmp_path_factory.mktemp("facts") / "home", stack, database_server, database_template, steps) as road:
        yield road


def invoiced(road: Road, customer: str, rate: int, **more: object) -> str:
    body = {"customer_id": customer, "line_items": [{"name": "Work", "rate": rate}], **more}
    invoice = str(road.books.told("POST", "/invoices", body)["invoice"]["invoice_id"])
    road.books.told("POST", f"/invoices/{invoice}/status/sent")
    return invoice


def paid(road: Road, customer: str, invoice: str, amount: int, day: str) -> None:
    parts = [{"invoice_id": invoice, "amount_applied": amount}]
    body = {"customer_id": customer, "payment_mode": "cash", "amount": amount, "date": day, "invoices": parts}
    road.books.told("POST", "/customerpayments", body)


def day(road: Road, later: int = 0) -> str:
    """A day of the organisation's, as the vendors' clock has it."""
    now = datetime.fromisoformat(str(road.sandbox.get("clock")["now"]))
    return (now + timedelta(days=later)).date().isoformat()


def tagged(road: Road, email: str, *tags: str) -> None:
    """Waits until the member has exactly these tags beside its currency's."""

    def so() -> bool:
        member = road.audience.member(email)
        return member is not None and tags_of(member) == {"currency: EUR", *tags}

    road.until(so, f"{email} with {tags}: {road.audience.member(email)}")


def lists(road: Road, since: Mark) -> Counter[str]:
    calls = [one for one in road.calls_of(since, "zoho-books") if "sort_column" in one["query"]]
    return Counter(one["path"].rpartition("/")[2] for one in calls)


class TestFacts:
    def test_of_a_whole_account_are_known_before_anybody_is_written(self, road: Road) -> None:
        made, paid_on = [road.customer_created(f"c{n}@alder.example") for n in range(12)], day(road)
        invoiced(road, made[1], 100, date=day(road), due_date=day(road, 30))
        invoiced(road, made[2], 100, date=day(road, -60), due_date=day(road, -30))
        paid(road, made[3], invoiced(road, made[3], 100, date=day(road, -9)), 100, paid_on)
        road.advance(61)
        since = road.mark()
        with road.console() as console:
            account = road.audience.account["audience_ids"][0]
            console.post("/syncs", {**DEMO_SYNC, "template": "zoho-books-to-mailchimp-full", "place": account})
        tagged(road, "c0@alder.example", "no invoice yet")
        tagged(road, "c1@alder.example", "payment: open")
        tagged(road, "c2@alder.example", "payment: overdue")
        tagged(road, "c3@alder.example", "payment: paid")
        assert (road.audience.member("c3@alder.example") or {})["merge_fields"]["LASTPAID"] == paid_on
        assert lists(road, since) == {"invoices": 1, "customerpayments": 1, "contacts": 1}
        road.wait_until_quiet()
        for record in made:
            assert len(road.journal_of(record, "applied")) == 1, road.shown()

    def test_follow_what_happens_to_an_invoice(self, road: Road) -> None:
        record = road.customer_created("live@alder.example")
        tagged(road, "live@alder.example", "no invoice yet")
        first, second = invoiced(road, record, 100), invoiced(road, record, 50)
        tagged(road, "live@alder.example", "payment: open")
        paid(road, record, first, 100, day(road))
        road.books.told("POST", f"/invoices/{second}/status/void")
        tagged(road, "live@alder.example", "payment: paid")
        mapped = road.journal_of(record, "mapped")[-1]
        assert mapped["details"]["made_of"]["invoices"] == [first]

    def test_change_by_the_calendar_alone(self, road: Road) -> None:
        record = road.customer_created("due@alder.example")
        invoiced(road, record, 100, date=day(road), due_date=day(road, 3))
        tagged(road, "due@alder.example", "payment: open")
        road.wait_until_quiet()
        road.advance(4 * 86_400)
        tagged(road, "due@alder.example", "payment: overdue")

    def test_call_nobody_inactive_before_time_and_everybody_then(self, road: Road) -> None:
        road.wait_until_quiet()
        road.advance(91 * 86_400)
        tagged(road, "c0@alder.example", "no invoice yet", "inactive")
        tagged(road, "c3@alder.example", "payment: paid", "inactive")
        assert (road.audience.member("c0@alder.example") or {})["status"] == "subscribed"
