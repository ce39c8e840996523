"""Everybody in an account changes at once, and no webhook tells of it: what that costs at both vendors, by their own log.

MANY_CHANGES=2000 is the size of the promise, as `make test-long` makes it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from millrace.api_client import TOKEN_FILE
from millrace.demo import DEMO_SYNC, SYNC, connect_books, connect_mailchimp
from tests.e2e.opening import opened
from tests.e2e.road import Mark, Road
from tests.e2e.test_whole_accounts import LIST, next_look, routes
from tests.support.database import Server
from tests.support.local_stack import LocalStack
from tests.support.shell import Shell

MANY = int(os.environ.get("MANY_CHANGES", "600"))
A_PAGE, AN_OPERATION = 200, 500
HAND_IN, ASKED, RESULTS = "POST /batches", "GET /batches/{batch_id}", "GET /results/{batch}"
RAN = "BATCH PATCH /lists/{list_id}/members/{subscriber_hash}"
WITHIN = 120.0


def email(number: int) -> str:
    return f"many{number}@elm.example"


@pytest.fixture(scope="module")
def road(
    tmp_path_factory: pytest.TempPathFactory, stack: LocalStack, database_server: Server, database_template: str
) -> Iterator[Road]:
    """Two accounts, of which one has customers; no sync yet."""
    steps = (connect_books, connect_mailchimp)
    with opened(tmp_path_factory.mktemp("many") / "home", stack, database_server, database_template, steps) as road:
        yield road


@pytest.fixture(scope="module")
def customers(road: Road) -> dict[int, str]:
    """Their ids; all of them are members, and nothing is on its way."""
    made = {number: road.customer_created(email(number), first="First") for number in range(MANY)}
    # Whoever was entered in the second of a listing is read again by the next.
    road.advance(61)
    with road.console() as console:
        # This template reads nothing that no list carries.
        place = road.audience.account["audience_ids"][0]
        console.post("/syncs", {**DEMO_SYNC, "template": "zoho-books-to-mailchimp-basic", "place": place})
    road.until(lambda: len(road.audience.members()) == MANY, "all are members", WITHIN, every=0.5)
    road.wait_until_quiet(WITHIN)
    next_look(road)
    road.wait_until_quiet(WITHIN)
    return made


@pytest.fixture(scope="module")
def changed(road: Road, customers: dict[int, str]) -> Mark:
    """Everybody has another name, a look has found it, and it is written."""
    mark = road.mark()
    with road.fault("zoho-books", "webhook_lost"):
        for number, record in customers.items():
            road.books.person_edited(record, email(number), first="Second")
        next_look(road)
    road.until(lambda: _names(road) == {"Second": MANY}, "all have their new name", WITHIN, every=0.5)
    road.wait_until_quiet(WITHIN)
    return mark


def looks(road: Road, since: Mark) -> list[int]:
    """How many pages each look at the list has taken."""
    found: list[int] = []
    for call in road.calls_of(since, "zoho-books"):
        if call["route"] == LIST:
            found += [0] if "page=1&" in call["query"] else []
            found[-1] += 1
    return found


def _names(road: Road) -> Counter[str]:
    return Counter(one["merge_fields"]["FNAME"] for one in road.audience.members().values())


class TestManyChanges:
    def test_cost_a_list_a_page_and_an_operation_five_hundred(self, road: Road, changed: Mark) -> None:
        books, chimp = routes(road, changed, "zoho-books"), routes(road, changed, "mailchimp")
        print(f"{MANY} changes: {dict(books)} {dict(chimp)}")
        # The looks that follow in the meantime find nothing new.
        first, *others = looks(road, changed)
        assert first == -(-MANY // A_PAGE) and set(others) <= {1} and set(books) == {LIST}
        # One operation more than there would be if all were there at once.
        hands = -(-MANY // AN_OPERATION) + 1
        assert chimp[HAND_IN] <= hands
        assert chimp[RESULTS] == chimp[HAND_IN]
        assert set(chimp) <= {HAND_IN, ASKED, RESULTS, RAN}
        assert chimp[RAN] == MANY

    @pytest.mark.usefixtures("changed")
    def test_once_written_are_not_written_again(self, road: Road, tmp_path: Path) -> None:
        shell = Shell(tmp_path, road.fleet.one("console").url, road.home.secrets / TOKEN_FILE)
        mark = road.mark()
        told = shell.told("sync", "run", SYNC, "--full", "--wait", within=WITHIN)
        assert (told["counts"]["total"], told["counts"]["unchanged"]) == (MANY, MANY)
        assert told["calls"] == {"zoho-books": -(-MANY // A_PAGE)}
        assert road.writes_since(mark) == []
