"""kill -9 of each service of the road, at each of its failpoints, once; what the supervisor would start again is started again at once."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.fleet import Replica
from tests.e2e.road import Road

BUS = ("bus.before_store", "bus.after_store", "bus.before_commit")
POINTS: Mapping[str, tuple[str, ...]] = {
    "ingest": (
        *BUS, "gateway.before_produce", "gateway.after_produce", "normaliser.after_produce", "reader.after_lease", "reader.after_answer",
        "reader.after_produce", "poller.after_produce", "poller.after_page",
    ),
    "mapper": (*BUS, "mapper.after_publish"),
    "writer-zoho": (
        *BUS, "intake.after_commit", "executor.after_claim", "executor.after_intent", "executor.before_send", "executor.after_answer",
        "executor.after_result", "settle.after_look",
    ),
    "token-broker": (
        "broker.refresh.locked", "broker.refresh.reread", "broker.refresh.intended", "broker.refresh.answered", "broker.refresh.stored",
        "broker.refresh.released",
    ),
}  # fmt: skip
FEW: Mapping[str, tuple[str, ...]] = {"writer-zoho": ("executor.after_answer",), "mapper": ("mapper.after_publish",)}


@dataclass
class Deaths:
    """Who dies where."""

    road: Road
    points: Mapping[str, tuple[str, ...]]
    folder: Path
    count: dict[str, int] = field(default_factory=dict)
    _last: dict[str, Replica] = field(default_factory=dict)

    def begin(self) -> None:
        """Each is killed as it stands, and comes back armed."""
        for service in self.points:
            self.road.fleet.one(service).kill()
            self._start(service)

    def look(self) -> None:
        for service, replica in self._last.items():
            if not replica.alive:
                # A service that has lost its broker on a busy machine ends by itself, to be started again: it counts for nothing here.
                if replica.process.returncode == -signal.SIGKILL:
                    self.count[service] = self.count.get(service, 0) + 1
                self._start(service)

    def over(self) -> bool:
        """Whether each point has killed."""
        return all(self.count.get(service, 0) >= len(points) for service, points in self.points.items())

    def missing(self) -> str:
        return f"deaths: {self.count} of { ({service: len(points) for service, points in self.points.items()}) }"

    def _start(self, service: str) -> None:
        self.road.leases_over()
        armed = ";".join(f"{point}=kill*1" for point in self.points[service])
        log = str(self.folder / f"{service}.points")
        self._last[service] = self.road.fleet.begin(service, MILLRACE_FAILPOINTS=armed, MILLRACE_FAILPOINTS_LOG=log)
