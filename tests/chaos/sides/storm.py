"""A run of edits on both sides while answers and webhooks are lost, rows are locked and services die, until all is quiet."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.chaos.sides.deaths import FEW, POINTS, Deaths
from tests.chaos.sides.judge import problems
from tests.chaos.sides.people import People
from tests.chaos.sides.records import ALONE, BOOKS, COMPANY, CRM, PERSON, SIDES, Found, Side, Who
from tests.chaos.sides.weather import Weather
from tests.e2e.road import STEP_S, Mark, Road

MANY = 300
A_SECOND = 10.0
LOOKS, FRONTS, CLOCK, CLOCK_BY_S = 10, 8, 20, 45
# So often an hour passes, as long as a token lives.
AN_HOUR, HOUR_S = 60, 3600
STILL_S = 600.0
SHOWN = 3
# More than this many records on their way, and people wait: a busy machine is not to be met by more and more edits.
MOST_ON_THE_WAY = 25
# Lists are looked at every five minutes, and records in the hour before them once more.
A_POLL_S = 320.0
ON_THE_WAY = "select count(*) from flow.work_item where state in ('ready', 'leased', 'waiting', 'hold')"
# A look that began after what people did; one that had failed is made again when its time has come. Customers and persons are what is edited.
UNSEEN = """
select exists (select from flow.poll where entity in ('customer', 'person') and (began_at is null or began_at <= $1 or job <> ''))
"""


class Storm:
    """One run."""

    def __init__(self, road: Road, edits: int, seed: int, folder: Path) -> None:
        self.road, self.edits, self.seed = road, edits, seed
        self.people = People(road, seed, births=edits >= MANY)
        self.weather = Weather(self.people, seed)
        self.deaths = Deaths(road, POINTS if edits >= MANY else FEW, folder)

    def first(self) -> None:
        """A few of each and in step, so that there is something to edit; many edits are made among births, too."""
        for kind in (COMPANY, ALONE, PERSON):
            for side in SIDES:
                self.people.enter(kind, side)
            self.people.look()
        settled(self.road)
        self.people.look()

    def rage(self) -> None:
        began = time.monotonic()
        for number in range(self.edits):
            time.sleep(max(0.0, began + number / A_SECOND - time.monotonic()))
            self._wait_for_the_road()
            self._go_on(number)
        since, number = time.monotonic(), self.edits
        while not self.deaths.over():
            assert time.monotonic() < since + STILL_S, f"{self.deaths.missing()}\n{self.road.shown()}"
            self._wait_for_the_road()
            self._go_on(number)
            number += 1

    def _wait_for_the_road(self) -> None:
        still = Still(self.road)
        while self.road.sql.value(ON_THE_WAY) > MOST_ON_THE_WAY:
            still.look()
            self.deaths.look()

    def _go_on(self, number: int) -> None:
        if number % FRONTS == 0:
            self.weather.changes()
        if number % LOOKS == 0:
            self.people.look()
        if number % CLOCK == 0:
            self.road.advance(HOUR_S if number and number % AN_HOUR == 0 else CLOCK_BY_S)
        self.people.act()
        self.deaths.look()

    def settle(self) -> None:
        """Nothing is wrong any more; what was lost on the way is found by the next looks, what was given up a person tries again."""
        self.weather.clears()
        looked_at(self.road, self.deaths.look)
        if self.given_up():
            with self.road.console() as console:
                for code in sorted({row["code"] for row in self.given_up()}):
                    console.post("/dead-letters/retry", {"code": code})
            settled(self.road, self.deaths.look)

    def given_up(self) -> list[Any]:
        return self.road.sql.rows(
            "select record, state, code, message, vendor_words from flow.work_item where state in ('dead', 'parked')"
        )

    def verdict(self) -> list[str]:
        there = self.people.look()
        found = problems(there[BOOKS], there[CRM], self.people.edits, self.people.under)
        found += self._stories(there, found)
        found += [f"given up: {tuple(row)}" for row in self.given_up()]
        asked = self.road.sql.rows("select q.*, p.left_id, p.right_id from flow.pair_question q join flow.pair p on p.id = q.pair where winner = ''")  # fmt: skip
        return found + [f"asked: {tuple(row)}" for row in asked]

    def _stories(self, there: dict[str, Side], found: list[str]) -> list[str]:
        """Of the first who are wrong: what our tables say of them, for whoever reads why."""
        wrong = [who for who in sorted({who for side in there.values() for who in side.found}) if any(str(who) in one for one in found)]  # fmt: skip
        return [line for who in wrong[:SHOWN] for side in SIDES if (its := there[side].found.get(who)) for line in self._story(who, its)]  # fmt: skip

    def _story(self, who: Who, its: Found) -> list[str]:
        record = f"{its.holder}-{its.id}" if its.holder and who.kind == PERSON else its.holder or its.id
        return [f"{who} {record} {table}: {tuple(row)}" for table, query in STORY.items() for row in self.road.sql.rows(query, record)]  # fmt: skip


STORY = {
    "pair": "select id, state, rule, owed, left_id, right_id, judgement, seen, agreed from flow.pair where $1 in (left_id, right_id)",
    "wanted": "select sync, entity, record, revision, published_revision, wish, skip, changed_at from flow.wanted where record = $1",
    "ready": "select * from flow.match_ready where $1 <> ''",
    "feeding": "select * from flow.feeding where $1 <> ''",
    "work": "select entity, state, code, message, due_at, hold_until from flow.work_item where record = $1",
    "journal": "select at, entity, step, reason, words, details from flow.journal where record = $1 order by id desc limit 12",
}


class Still:
    """Time passes for the vendors and for us only while nothing else happens: on a slow machine lists would be looked at all the time."""

    def __init__(self, road: Road) -> None:
        self._road, self._began, self._last = road, time.monotonic(), (0, 0)

    def look(self) -> None:
        assert time.monotonic() < self._began + STILL_S, f"not settled within {STILL_S:g} s\n{self._road.shown()}"
        mark = self._road.mark()
        before, self._last = self._last, (mark.journal, mark.calls)
        if before == self._last:
            self._road.advance(STEP_S)
        time.sleep(0.25)


def settled(road: Road, meanwhile: Callable[[], object] = lambda: None) -> None:
    """Until nothing is on its way, and nothing waits for its time."""
    still = Still(road)
    while not road.is_quiet():
        still.look()
        meanwhile()


def looked_at(road: Road, meanwhile: Callable[[], object] = lambda: None) -> None:
    """Until every list was looked at once more, and nothing of what it showed is on its way: a look begins when its time has come, and not
    with it."""
    since = now(road)
    road.advance(A_POLL_S)
    still = Still(road)
    while unseen(road, since) or not road.is_quiet():
        still.look()
        meanwhile()


def now(road: Road) -> datetime:
    return datetime.fromisoformat(str(road.sandbox.get("clock")["now"]))


def unseen(road: Road, since: datetime) -> bool:
    """Whether a list was not looked at since then."""
    return bool(road.sql.value(UNSEEN, since))


def writes_since(road: Road, mark: Mark) -> list[str]:
    """Calls of ours that changed somebody at either side."""
    return [
        f"{vendor} {one['route']} {one['applied']}"
        for vendor in ("zoho-books", "zoho-crm")
        for one in road.calls_of(mark, vendor)
        if any(act["op"] != "noop" for act in one["applied"])
    ]
