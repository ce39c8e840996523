"""Every service is restarted, one replica after the other, while customers change twice a second; nobody waits and nothing is lost.

Half a minute here, in which each has its turn at least once; five with ROLLING_SECONDS=300.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Iterator

import pytest

from tests.e2e.fleet import ROAD
from tests.e2e.journeys import journeys, table
from tests.e2e.opening import opened
from tests.e2e.road import Road
from tests.support.database import Server
from tests.support.local_stack import LocalStack
from tests.support.machine import measured

SECONDS = float(os.environ.get("ROLLING_SECONDS", "24"))
A_SECOND = 2.0
SERVICES = (*ROAD, "token-broker")
# A connection that a replica closes at the moment of the next request is tried again, as the vendor does.
HOOK_RETRIES_S = [1, 2, 5, 10]


@pytest.fixture(scope="module")
def road(
    tmp_path_factory: pytest.TempPathFactory, stack: LocalStack, database_server: Server, database_template: str
) -> Iterator[Road]:
    """Two replicas of each service."""
    folder = tmp_path_factory.mktemp("road") / "home"
    with opened(folder, stack, database_server, database_template, balanced=("ingest", "token-broker")) as road:
        road.sandbox.post("limits", {"vendor": "zoho-books", "hook_retries_s": HOOK_RETRIES_S})
        road.fleet.start(*SERVICES)
        yield road


class Editor(threading.Thread):
    """Edits each customer once, two a second."""

    def __init__(self, road: Road, emails: dict[str, list[str]]) -> None:
        super().__init__(daemon=True)
        self._road = road
        self._emails = emails
        self.edited: dict[str, list[str]] = {}

    def run(self) -> None:
        began = time.monotonic()
        for number, (record, emails) in enumerate(self._emails.items()):
            time.sleep(max(0.0, began + number / A_SECOND - time.monotonic()))
            self._road.books.person_edited(record, emails[-1], first=f"Edited{number}")
            self.edited[record] = emails


@pytest.mark.timeout(SECONDS + 420)
class TestRollingRestart:
    def test_loses_nothing_doubles_nothing_and_keeps_nobody_waiting(self, road: Road) -> None:
        emails = {}
        for number in range(int(SECONDS * A_SECOND)):
            emails[road.customer_created(f"r{number}@rolling.example")] = [f"r{number}@rolling.example"]
        road.wait_until_quiet()
        time.sleep(1.1)
        mark, editor = road.mark(), Editor(road, emails)
        editor.start()
        restarts = 0
        with measured() as machine:
            for service in itertools.cycle(SERVICES):
                # Each has its turn, also where a busy machine takes longer for that than the customers are changed.
                if not editor.is_alive() and restarts >= len(SERVICES):
                    break
                _restart_each(road, service)
                restarts += 1
            editor.join(10)
            road.wait_until_quiet()
        assert editor.edited.keys() == emails.keys()
        found = journeys(road, mark, editor.edited)
        print(f"\n{restarts} services restarted\n" + table({"edit": found}))
        assert road.wrong(mark) == []
        assert max(one.total_ms for one in found) < 10_000 * machine.slower, machine


def _restart_each(road: Road, service: str) -> None:
    for replica in road.fleet.of(service):
        assert replica.stop() == 0, replica.last_lines()
        road.fleet.start(service)
