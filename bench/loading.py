"""The first run of a sync over a whole account, looked at while it goes on: how far it is, what it says is left, what memory it takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bench.processes import peak_mb
from bench.progress import Progress
from bench.run_figures import Sample, nothing_else_happens
from millrace.api_client import ApiClient
from millrace.demo import DEMO_SYNC, SYNC
from tests.e2e.road import Mark, Road

TEMPLATE = "zoho-books-to-mailchimp-basic"
# Of those that read everything: the first one, and one that a person asks for.
FIRST, FULL = "backfill", "full"
SEED = 7
LOOK_EVERY_S = 0.5


@dataclass
class Load:
    """One reading of a whole account, and what it came to: all of it in the sandbox's time, which tests and `sandbox_time` move."""

    road: Road
    customers: int
    progress: Progress
    sandbox_time: bool = False
    """Whether a pause is passed over once nothing else is left to do: it ends as it would have ended."""
    samples: list[Sample] = field(default_factory=list)
    memory: dict[str, float] = field(default_factory=dict)
    run: Mapping[str, Any] = field(default_factory=dict)

    def begin(self) -> Mark:
        """The account is filled and the sync applied; what that costs is told from this mark."""
        self.progress.say(f"filling the account with {self.customers} customers")
        whole = {"vendor": "zoho-books", "account": "demo", "size": self.customers, "seed": SEED}
        self.road.sandbox.post("seed", dict(whole))
        mark = self.road.mark()
        with self.road.console() as console:
            place = self.road.audience.account["audience_ids"][0]
            console.post("/syncs", {**DEMO_SYNC, "template": TEMPLATE, "place": place})
        self.progress.say("the sync is applied")
        return mark

    def again(self) -> Mark:
        """Everything is read once more, because a person wants it."""
        mark = self.road.mark()
        with self.road.console() as console:
            console.post(f"/syncs/{SYNC}/runs?full=true")
        return mark

    def watch(self, kind: str, within: float, meanwhile: Callable[[Sample], None] = lambda _: None) -> bool:
        """Until it has its end; False when it had none within so many seconds of the wall."""
        deadline = time.monotonic() + within
        with self.road.console() as console:
            while time.monotonic() < deadline:
                if self._look(console, kind):
                    return True
                if self.samples:
                    meanwhile(self.samples[-1])
                time.sleep(LOOK_EVERY_S)
        return False

    @property
    def seconds(self) -> float:
        """From its beginning to its end, or to the last look."""
        return float(self.run["seconds"] or self.samples[-1].at)

    def _look(self, console: ApiClient, kind: str) -> bool:
        found = [run for run in console.get(f"/syncs/{SYNC}/history")["items"] if run["kind"] == kind]
        self._remember_memory()
        if not found:
            return False
        self.run, now = found[0], self._now()
        sample = Sample.of(self.run, (now - _moment(self.run["started_at"])).total_seconds())
        self.samples.append(sample)
        self.progress.tell(sample.words(self.customers, self.run["waits_for"]))
        if self.sandbox_time:
            self._pass_over_a_pause(now)
        return self.run["finished_at"] is not None

    def _pass_over_a_pause(self, now: datetime) -> None:
        wait = self.run["waits_for"]
        if wait and wait["until"] and nothing_else_happens(self.run) and not self.road.lag():
            self.road.advance(max(0.0, (_moment(wait["until"]) - now).total_seconds()))

    def _remember_memory(self) -> None:
        for one in self.road.fleet.replicas:
            self.memory[one.name] = max(self.memory.get(one.name, 0.0), peak_mb(one.process.pid))

    def _now(self) -> datetime:
        return _moment(str(self.road.sandbox.get("clock")["now"]))


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
