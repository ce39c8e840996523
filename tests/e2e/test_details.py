"""What no list carries of customers who were there before the sync: read one by one, once, while nobody waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from millrace.api_client import TOKEN_FILE
from millrace.demo import DEMO_SYNC, SYNC, connect_books, connect_mailchimp
from tests.e2e.opening import opened
from tests.e2e.road import Mark, Road
from tests.e2e.test_whole_accounts import DETAIL, LIST, next_look, read_twice, routes
from tests.support.database import Server
from tests.support.local_stack import LocalStack
from tests.support.shell import Shell

CUSTOMERS = 12
BERN = {"address": "Gasse 1", "city": "Bern", "state": "BE", "zip": "3000", "country": "Switzerland"}


@pytest.fixture(scope="module")
def road(
    tmp_path_factory: pytest.TempPathFactory, stack: LocalStack, database_server: Server, database_template: str
) -> Iterator[Road]:
    """Two accounts, of which one has customers with addresses; no sync yet."""
    steps = (connect_books, connect_mailchimp)
    with opened(tmp_path_factory.mktemp("details") / "home", stack, database_server, database_template, steps) as road:
        for number in range(CUSTOMERS):
            entered(road, f"c{number}@elm.example", billing_address=BERN if number % 2 else {})
        # Whoever was entered in the second of a listing is read again by the next.
        road.advance(61)
        yield road


@pytest.fixture
def shell(road: Road, tmp_path: Path) -> Shell:
    return Shell(tmp_path, road.fleet.one("console").url, road.home.secrets / TOKEN_FILE)


def entered(road: Road, email: str, **more: object) -> str:
    person = {"first_name": "Ann", "last_name": email.partition("@")[0], "email": email, "is_primary_contact": True}
    body = {"contact_name": email, "contact_type": "customer", "contact_persons": [person], **more}
    return str(road.books.told("POST", "/contacts", body)["contact"]["contact_id"])


def file_of(road: Road, **more: object) -> dict[str, object]:
    return {**DEMO_SYNC, "place": road.audience.account["audience_ids"][0], **more}


@pytest.fixture(scope="module")
def joined(road: Road) -> Mark:
    """The sync has begun with the template that reads addresses, and everything has come to rest."""
    mark = road.mark()
    with road.console() as console:
        answer: Any = console.post("/syncs", file_of(road))
    assert any("No list carries billing, custom.cf_segment, shipping" in one for one in answer["warnings"])
    road.until(lambda: len(road.audience.members()) == CUSTOMERS, "all are members")
    road.wait_until_quiet()
    return mark


@pytest.mark.usefixtures("joined")
class TestAnAddress:
    def test_arrives_of_everybody_who_has_one(self, road: Road) -> None:
        for number in range(CUSTOMERS):
            address = (road.audience.member(f"c{number}@elm.example") or {})["merge_fields"]["ADDRESS"]
            assert bool(address) is bool(number % 2), (number, address)

    def test_costs_one_call_a_record_and_the_run_tells_them(self, road: Road, joined: Mark, shell: Shell) -> None:
        books = routes(road, joined, "zoho-books")
        assert (books[LIST], books[DETAIL]) == (1 + read_twice(road), CUSTOMERS)
        (run,) = [one for one in shell.told("run", "list", "--sync", SYNC)["items"] if one["kind"] == "backfill"]
        assert (run["total"], run["closes"], run["waiting"], run["details"]) == (CUSTOMERS, True, 0, None)
        assert run["calls"]["zoho-books"] - read_twice(road) <= 1 + CUSTOMERS <= run["calls"]["zoho-books"]

    def test_is_not_read_again_until_its_record_changes(self, road: Road, shell: Shell) -> None:
        mark = road.mark()
        shell.told("sync", "run", SYNC, "--full", "--wait")
        road.wait_until_quiet()
        assert routes(road, mark, "zoho-books") == {LIST: 1}
        assert road.writes_since(mark) == []

    def test_that_no_webhook_told_of_comes_with_the_next_look(self, road: Road) -> None:
        next_look(road)
        mark = road.mark()
        with road.fault("zoho-books", "webhook_lost"):
            record = entered(road, "late@elm.example", billing_address=BERN)
            road.advance(31)
            next_look(road)
        road.until(
            lambda: bool((road.audience.member("late@elm.example") or {"merge_fields": {"ADDRESS": ""}})["merge_fields"]["ADDRESS"]),
            f"{record} has its address",
        )  # fmt: skip
        assert routes(road, mark, "zoho-books")[DETAIL] == 1

    def test_that_a_webhook_told_is_not_read(self, road: Road) -> None:
        # One was not told a moment ago, and the looks come close: the next one is not to come before the webhook.
        next_look(road)
        road.wait_until_quiet()
        mark = road.mark()
        entered(road, "live@elm.example", billing_address=BERN)
        road.until(lambda: road.audience.member("live@elm.example") is not None, "the member is there")
        next_look(road)
        road.wait_until_quiet()
        assert routes(road, mark, "zoho-books")[DETAIL] == 0
