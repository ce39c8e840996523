"""Each service of the road is killed with -9 at each of its failpoints, once, while customers change; nothing is lost and nothing doubled."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from tests.e2e.fleet import Replica
from tests.e2e.opening import mapping_changed, opened
from tests.e2e.road import Mark, Road
from tests.support.database import Server
from tests.support.local_stack import LocalStack

BUS = ("bus.before_store", "bus.after_store", "bus.before_commit")
POINTS = {
    "ingest": (*BUS, "gateway.before_produce", "gateway.after_produce", "normaliser.after_produce", "reader.after_produce"),
    "mapper": (*BUS, "mapper.after_publish", "mapper.after_remap_page"),
    "writer-mailchimp": (
        *BUS, "intake.after_commit", "executor.after_claim", "executor.after_intent", "executor.before_send",
        "executor.after_answer", "executor.after_result", "settle.after_look",
    ),
}  # fmt: skip
# Only a stall may end it early, however slow the machine is: each death is a step.
STILL_S = 120.0
# A webhook that our gateway broke off is sent again, as the vendor's retry policy does, for as long as it takes to start it seven times.
HOOK_RETRIES_S = [1, 2, 3, 5, 5, 10, 10, 20, 30, 30, 60, 60, 120, 120]


@pytest.fixture(scope="module")
def road(
    tmp_path_factory: pytest.TempPathFactory, stack: LocalStack, database_server: Server, database_template: str
) -> Iterator[Road]:
    folder = tmp_path_factory.mktemp("road") / "home"
    # Who was killed is not waited for longer than needed.
    with opened(folder, stack, database_server, database_template, KAFKA_SESSION_TIMEOUT_S="1.5") as road:
        road.sandbox.post("limits", {"vendor": "zoho-books", "hook_retries_s": HOOK_RETRIES_S})
        yield road


class CrashLoop:
    """One service whose every point kills it once, and who starts it again as the supervisor does."""

    def __init__(self, road: Road, service: str, log: Path) -> None:
        self._road = road
        self._service = service
        self._log = log
        self._points = POINTS[service]
        self._spec = ";".join(f"{point}=kill*1" for point in self._points)
        self.deaths = 0
        road.fleet.stop(service)
        self._replica = self._started()
        self.since = time.monotonic()
        """When it was last started."""

    @property
    def missing(self) -> set[str]:
        lines = [orjson.loads(line) for line in self._log.read_bytes().splitlines()] if self._log.exists() else []
        return set(self._points) - {line["failpoint"] for line in lines if line["fired"]}

    def look(self) -> None:
        """Starts it again if it is dead."""
        if self._replica.alive:
            return
        assert self._replica.process.returncode == -signal.SIGKILL, self._replica.last_lines()
        self.deaths += 1
        self._road.leases_over()
        self._replica = self._started()
        self.since = time.monotonic()

    def _started(self) -> Replica:
        made = self._road.fleet.begin(
            self._service, MILLRACE_FAILPOINTS=self._spec, MILLRACE_FAILPOINTS_LOG=str(self._log)
        )
        deadline = time.monotonic() + STILL_S
        while made.alive and not made.answers():
            assert time.monotonic() < deadline, made.last_lines()
            time.sleep(0.03)
        return made


@pytest.mark.timeout(900)
@pytest.mark.parametrize("service", POINTS)
class TestKilledAtEveryPoint:
    def test_loses_and_doubles_nothing(self, road: Road, service: str, tmp_path: Path) -> None:
        mark = road.mark()
        loop = CrashLoop(road, service, tmp_path / "failpoints.log")
        stir = Stir(road, service)
        # Some answers of the target are lost, so that there is something on hold to look at.
        with road.fault("mailchimp", "half_commit", share=0.2, seed=1):
            # Until each death was noticed: one that comes while it starts again is in the log first.
            while loop.deaths < len(POINTS[service]):
                assert time.monotonic() < loop.since + STILL_S, f"never passed: {loop.missing}\n{road.shown()}"
                stir.once()
                loop.look()
        assert loop.missing == set()
        road.wait_until_settled(STILL_S)
        assert road.wrong(mark) == []
        assert _created_twice(road, mark) == {}


class Stir:
    """Customers come, change twice within a second, move, and go, as long as it is asked for more."""

    def __init__(self, road: Road, name: str) -> None:
        self._road = road
        self._name = name
        self._number = 0
        self._records: list[tuple[str, str]] = []

    def once(self) -> None:
        books, self._number = self._road.books, self._number + 1
        email = f"{self._name}{self._number}@kill.example"
        record = books.customer_created(email)
        self._records.append((record, email))
        books.person_edited(record, email, first=f"Soon{self._number}")
        if self._number % 4 == 0:
            moved, _ = self._records[self._number // 2]
            books.person_edited(moved, f"moved{self._number}@kill.example")
        if self._number % 5 == 0:
            books.customer_deleted(self._records[-3][0])
            del self._records[-3]
        if self._name == "mapper" and self._number % 6 == 0:
            self._mapping_changes()
        if self._number % 3 == 0:
            self._road.advance(15)
        time.sleep(0.4)

    def _mapping_changes(self) -> None:
        mapping_changed(self._road, lambda definition: definition["rows"].reverse())


def _created_twice(road: Road, since: Mark) -> Counter[str]:
    """Members that were made more than once."""
    made = Counter(
        applied["id"] for call in road.calls_of(since) for applied in call["applied"] if applied["op"] == "create" and applied["kind"] == "member"
    )  # fmt: skip
    return Counter({name: count for name, count in made.items() if count > 1})
