"""Days of a company's grant, while three ask for its token at once and a broker is killed after a line of the refresh: a refresh value that is replaced
once a day, and the former one dead at once. No grant is lost whose answer reached our disk; one whose answer was lost with it is said once.

COMPANY_DAYS says how many, COMPANY_REQUESTS how often each of the three asks a day; the lines of the refresh come one a day.
"""

from __future__ import annotations

import itertools
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from tests.integration.token_broker.test_consent import begin
from tests.support.broker import Broker, Browser, add_connection, gates, notifications
from tests.support.broker_world import World, eventually, read_lines

DAYS = int(os.environ.get("COMPANY_DAYS", "3"))
REQUESTS = int(os.environ.get("COMPANY_REQUESTS", "4"))
LINES = ("stored", "answered", "intended", "locked", "released", "reread")
NAME, CLIENTS, HOUR_S = "company", 3, 3_600.0
LOST = ("gate.needs_reauth", "REFRESH_ANSWER_LOST")


class Days:
    """A company and the brokers that renew its grant."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.numbers = itertools.count()
        self.brokers = [world.broker(start=False, module="tests.support.hurried_broker") for _ in range(2)]
        self.answers: Counter[int] = Counter()
        for broker in self.brokers:
            broker.start()
        add_connection(world.database, NAME, "quickbooks")
        self.let_in()

    def let_in(self) -> None:
        browser = Browser()
        vendor = browser.to_vendor(begin(self.brokers[0], NAME, "quickbooks")["start_url"])
        row = self.world.account("quickbooks", "demo-north")
        page = browser.get(browser.decide(vendor, decision="connect", company=row["realm_id"]))
        assert page.status_code == 200 and "Connected" in page.text, page.text

    def killed_at(self, line: str, after_s: float) -> None:
        """The next refresh is due, everybody asks, and whichever broker makes it dies there; then it is back."""
        log = Path(self.world.home) / f"company-{next(self.numbers)}.jsonl"
        armed = {
            "MILLRACE_TEST": "1",
            "MILLRACE_FAILPOINTS": f"broker.refresh.{line}=kill*1",
            "MILLRACE_FAILPOINTS_LOG": str(log),
        }
        for broker in self.brokers:
            broker.stop()
            broker.start(**armed)
        with ThreadPoolExecutor(CLIENTS) as clients:
            self.world.advance(after_s)
            asking = [clients.submit(self.ask, number) for number in range(CLIENTS)]
            eventually(lambda: log.exists() and sum(one["fired"] for one in read_lines(log)) == 1)
            dead = self.dead()
            dead.died()
            dead.start(MILLRACE_TEST="", MILLRACE_FAILPOINTS="")
            for one in asking:
                one.result()

    def dead(self) -> Broker:
        """Whichever of them has ended, as soon as one has."""
        found: list[Broker] = []

        def ended() -> bool:
            found[:] = [one for one in self.brokers if one.process is not None and one.process.poll() is not None]
            return bool(found)

        eventually(ended)
        return found[0]

    def ask(self, number: int) -> None:
        """As a service does: of one broker, of the other while that is away."""
        for turn in range(REQUESTS):
            try:
                self.answers[self.brokers[(number + turn) % 2].token(NAME).status_code] += 1
            except httpx.TransportError:
                self.answers[0] += 1

    def lives(self) -> bool:
        return all(broker.token(NAME).status_code == 200 for broker in self.brokers)

    def refreshes(self, since: int) -> Counter[int]:
        assert self.world.sandbox is not None
        calls = self.world.sandbox.get("log", since=since)["calls"]
        assert isinstance(calls, list)
        return Counter(one["status"] for one in calls if one["path"].endswith("/tokens/bearer"))

    def mark(self) -> int:
        assert self.world.sandbox is not None
        return int(str(self.world.sandbox.get("log")["next"]))


class TestKilled:
    def test_no_grant_is_lost_whose_answer_reached_the_disk_and_another_is_said_once(self, own_world: World) -> None:
        days, lost = Days(own_world), 0
        for day, line in zip(range(DAYS), itertools.cycle(LINES), strict=False):
            mark = days.mark()
            # Within the day the value stays the same, and a lost answer costs nothing.
            if line == "answered":
                days.killed_at(line, 0.9 * HOUR_S)
                eventually(days.lives)
                assert notifications(own_world.database, NAME) == [LOST] * lost, f"day {day}"
            days.killed_at(line, 25 * HOUR_S)
            if line == "answered":
                eventually(lambda: days.brokers[0].token(NAME).status_code == 409)
                lost += 1
                assert notifications(own_world.database, NAME) == [LOST] * lost, f"day {day}"
                days.let_in()
            eventually(days.lives)
            assert gates(own_world.database, NAME) == set(), f"day {day}, {line}"
            assert notifications(own_world.database, NAME) == [LOST] * lost, f"day {day}, {line}"
            # The vendor refuses one that is dead; nobody has ever sent one but the day on which the answer was lost.
            assert days.refreshes(mark)[400] <= (1 if line == "answered" else 0), f"day {day}, {line}"
        assert set(days.answers) <= {0, 200, 409, 503}
