"""Edits that are alone, each on a record that rests: one write at the other side for each, and none for its echo, however early the echo comes,
in whatever form the vendor keeps a value, and with webhooks or without.

CRM_LONE_EDITS says how many for each of these weathers.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

import pytest

from tests.chaos.sides.judge import problems
from tests.chaos.sides.people import People
from tests.chaos.sides.records import ALONE, BOOKS, COMPANY, CRM, PERSON, SIDES, Who
from tests.chaos.sides.storm import looked_at, now, settled, unseen, writes_since
from tests.chaos.sides.weather import FORMS
from tests.e2e.road import Road

LONE = int(os.environ.get("CRM_LONE_EDITS", "12"))
RECORDS = 12 if LONE < 100 else 48
FAULTS: Mapping[str, tuple[dict[str, object], ...]] = {
    "early echoes": (
        {"vendor": "zoho-books", "route": "PUT /contacts*", "kind": "slow_body", "seconds": 1.0, "share": 0.7},
        {"vendor": "zoho-crm", "route": "PUT *", "kind": "slow_body", "seconds": 1.0, "share": 0.7},
    ),
    "doubled and shuffled": tuple(
        {"vendor": vendor, **one}
        for vendor in ("zoho-books", "zoho-crm")
        for one in ({"kind": "webhook_double", "copies": 2, "share": 0.5}, {"kind": "webhook_shuffle", "window": 5, "seconds": 1, "share": 0.5})
    ),
    "webhooks off": ({"vendor": "zoho-books", "kind": "webhook_lost"}, {"vendor": "zoho-crm", "kind": "webhook_lost"}),
}  # fmt: skip
A_MINUTE_S = 60.0
# The rest are for the night.
CHOSEN = list(FAULTS) if LONE >= 100 else ["early echoes"]


@contextmanager
def in_force(road: Road, weather: str) -> Iterator[None]:
    with ExitStack() as faults:
        for fault in FAULTS[weather]:
            more = {name: value for name, value in fault.items() if name not in ("vendor", "kind")}
            faults.enter_context(road.fault(str(fault["vendor"]), str(fault["kind"]), **more))
        yield


def at_rest(road: Road, weather: str, *, first: bool) -> None:
    """Without webhooks every list is looked at by itself: at its usual time, and within a minute from the first change on that nobody had told."""
    if weather != "webhooks off":
        road.advance(2)
    elif first:
        looked_at(road)
    else:
        since = now(road)
        road.advance(A_MINUTE_S)
        road.until(lambda: not unseen(road, since), "every list is looked at within a minute")
    settled(road)


def entered(people: People) -> list[Who]:
    """Some of each kind, on both sides and in step."""
    for number in range(RECORDS):
        people.enter((COMPANY, ALONE, PERSON)[number % 3], SIDES[number // 3 % 2])
        people.look()
    looked_at(people.road)
    there = people.look()
    assert problems(there[BOOKS], there[CRM], people.edits, people.under) == []
    return people.on_both()


@pytest.mark.timeout(600 + 2 * LONE)
@pytest.mark.parametrize("weather", CHOSEN)
class TestLoneEdits:
    def test_are_each_one_write_and_none_for_the_echo(self, road: Road, weather: str) -> None:
        people = People(road, seed=90 + list(FAULTS).index(weather))
        people.sales.switch(changed_forms=list(FORMS))
        records, left = entered(people), LONE
        with in_force(road, weather):
            while left > 0:
                mark, chosen = road.mark(), records[:left]
                for who in chosen:
                    people.edit_one(who)
                at_rest(road, weather, first=left == LONE)
                written = writes_since(road, mark)
                assert len(written) == len(chosen), f"{len(chosen)} edits: {Counter(written)}"
                left -= len(chosen)
                # By the vendors' stamps, what comes next is another second.
                road.advance(2)
        there = people.look()
        assert problems(there[BOOKS], there[CRM], people.edits, people.under) == []
