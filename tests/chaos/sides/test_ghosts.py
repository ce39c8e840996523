"""A fifth of the creates on either side are done and not answered: each record is there once, with a field of our own to find it by and without.

CRM_GHOSTS says how many records are entered on each side; without it the night has them alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from millrace.demo import Demo, Say, apply, connect_books
from millrace.demo_crm import CRM as CONNECTION
from millrace.demo_crm import DEMO_SYNC, connect_account
from tests.chaos.sides.judge import problems
from tests.chaos.sides.people import KEY, People
from tests.chaos.sides.records import ALONE, BOOKS, COMPANY, CRM, PERSON, SIDES
from tests.chaos.sides.storm import looked_at, settled
from tests.e2e.opening import opened
from tests.e2e.road import Road
from tests.support.database import Server
from tests.support.local_stack import LocalStack

MANY = int(os.environ.get("CRM_GHOSTS", "20"))
CREATES = {"zoho-books": ("POST /contacts", "POST /contacts/contactpersons", "PUT /contacts"), "zoho-crm": ("POST *",)}
PAIRS = {"with fields": ("demo", True), "without": ("demo-au", False)}
TURN = 10


@pytest.fixture(scope="module", params=list(PAIRS))
def people(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, stack: LocalStack, database_server: Server, database_template: str
) -> Iterator[People]:  # fmt: skip
    """The free edition has no fields of ours, nor has an organisation in which nobody has made one."""
    account, key = PAIRS[request.param]

    def connect_crm(demo: Demo, say: Say) -> None:
        connect_account(demo, say, CONNECTION, account)

    def join(demo: Demo, say: Say) -> None:
        apply(demo, say, {**DEMO_SYNC, "create_fields": key})

    folder = tmp_path_factory.mktemp("ghosts") / "home"
    with opened(folder, stack, database_server, database_template, (connect_books, connect_crm, join)) as road:
        if key:
            road.sandbox.post("zoho-books/demo/people", dict(KEY))
        road.fleet.start("writer-zoho")
        # Whoever is entered before both sides were listed once may be older than the sync, and is a question.
        looked_at(road)
        yield People(road, seed=7, account=account)


@pytest.mark.timeout(900 + 10 * MANY)
def test_each_record_is_there_once_though_a_fifth_of_the_creates_is_not_answered(people: People) -> None:
    road = people.road
    for seed, (vendor, route) in enumerate((vendor, route) for vendor, routes in CREATES.items() for route in routes):
        road.sandbox.post("faults", {"vendor": vendor, "route": route, "kind": "reset_after", "share": 0.2, "seed": seed})  # fmt: skip
    for number in range(MANY):
        for side in SIDES:
            people.enter((COMPANY, ALONE, PERSON)[number % 3], side)
        people.look()
        if number % TURN == 0:
            road.advance(45)
    settled(road)
    struck = sum(rule["hits"] for rule in _rules(road))
    road.sandbox.delete("faults")
    looked_at(road)
    there = people.look()
    found = problems(there[BOOKS], there[CRM], people.edits, people.under)
    assert not found, "\n".join(found[:40])
    assert struck > MANY // 10
    print(f"\n{len(there[BOOKS].found)} records on each side, {struck} answers lost")


def _rules(road: Road) -> list[dict[str, int]]:
    return road.sandbox.get("faults")["faults"]  # type: ignore[return-value]
