"""The first load of a whole account at the vendor's hundred calls a minute: `python -m bench account --customers 500 5000 50000`.

Every service runs once on real servers, the vendors are the sandbox with its limits as they are. Of each size it tells the calls over
ideal, the minutes beside what the vendor allows, the memory of each service at its highest, and how wrong the time left was that the run
told. `--kill poller mapper writer` kills each with -9 in the midst, and counts what was repeated. It takes as long as the vendor's limit
says; with `--sandbox-time` a pause in which nothing else happens (of the quota, or until the horizon of a call that a kill has left
behind) is passed over, and the minutes are the same.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.call_figures import LIST, calls
from bench.loading import FIRST, Load
from bench.machine import beside, glance
from bench.progress import Progress
from bench.reports import options, report
from bench.rows import Goal
from bench.run_figures import PER_PAGE, Sample, pace, quota_binds, time_left
from bench.servers import ACCOUNTS, road_on, servers
from tests.e2e.road import Mark, Road

MEMORY_MB = 250.0
REPEATED_A_KILL = 10
# Fewer are written by one call, before a bar can tell anything.
TELLS_FROM = 5000
SERVICES = {"poller": "ingest", "mapper": "mapper", "writer": "writer-mailchimp"}


@dataclass(frozen=True)
class Death:
    """Somebody who is killed once, when the run has come so far."""

    who: str
    due: Callable[[Road, Sample], bool]


def deaths(names: Sequence[str], customers: int) -> list[Death]:
    """Each of them in the midst of its own work: half the pages, half of the records judged, half of them written."""
    pages = -(-customers // PER_PAGE)
    due: dict[str, Callable[[Road, Sample], bool]] = {
        "poller": lambda road, _: _pages(road) >= max(1, pages // 2),
        "mapper": lambda _, sample: sample.total >= customers // 2,
        # A small account is written by one call at its end.
        "writer": lambda _, sample: sample.ended >= customers // 2 or sample.total >= customers,
    }
    return [Death(name, due[name]) for name in names]


def main(words: Sequence[str] | None = None) -> int:
    asked = _arguments(words)
    found: dict[str, float] = {}
    with servers() as stack:
        for customers in asked.customers:
            with road_on(stack, ACCOUNTS) as road:
                measured = _measured(road, customers, asked)
            found |= {f"{customers:,}: {name}": value for name, value in measured.items()}
    return report(goals(asked.customers, len(asked.kill)), found, asked)


def goals(sizes: Sequence[int], killed: int = 0) -> list[Goal]:
    """What each size has to be."""
    return [goal for customers in sizes for goal in _goals(customers, killed)]


def _goals(customers: int, killed: int) -> list[Goal]:
    bound = 1.10 if quota_binds(customers) else None
    wrong = 20.0 if customers >= TELLS_FROM else None
    calm = 1.05 if not killed else None
    rows = [
        Goal("not ended", at_most=0),
        Goal("not accounted for", at_most=0),
        Goal("calls over ideal", at_most=calm, moonshot=1.0),
        Goal("times the vendor's bound", at_most=bound),
        Goal("minutes"),
        Goal("records a second"),
        Goal("time left: error of the first, %", at_most=wrong),
        Goal("time left: largest error, %", at_most=wrong),
        Goal("calls: repeated", at_most=float(REPEATED_A_KILL * killed) if killed else None),
        Goal("answers 429", at_most=0),
        Goal("members made twice", at_most=0),
        *(Goal(f"memory MB: {name}", at_most=MEMORY_MB) for name in SERVICES.values()),
    ]
    return [Goal(f"{customers:,}: {row.name}", row.at_most, row.at_least, row.moonshot) for row in rows]


def _measured(road: Road, customers: int, asked: argparse.Namespace) -> dict[str, float]:
    load = Load(road, customers, Progress(f"account {customers}"), asked.sandbox_time)
    first, mark = glance(), load.begin()
    killer = Killer(road, load.progress, deaths(asked.kill, customers))
    load.watch(FIRST, asked.within, killer.look)
    return {
        **_figures(road, load, mark),
        "kills": float(len(asked.kill) - len(killer.waiting)),
        **beside(first, glance()),
    }


class Killer:
    """Kills whoever is due, and starts them again at once, as the supervisor does."""

    def __init__(self, road: Road, progress: Progress, waiting: list[Death]) -> None:
        self._road = road
        self._progress = progress
        self.waiting = waiting

    def look(self, sample: Sample) -> None:
        for death in [one for one in self.waiting if one.due(self._road, sample)]:
            self.waiting.remove(death)
            service = SERVICES[death.who]
            self._progress.say(f"the {death.who} is killed: {sample.total} judged, {sample.ended} ended")
            self._road.fleet.one(service).kill()
            self._road.fleet.begin(service)


def _figures(road: Road, load: Load, mark: Mark) -> dict[str, float]:
    run, customers = load.run, load.customers
    if not run:
        return {"not ended": float(customers)}
    books, chimp = road.calls_of(mark, "zoho-books"), road.calls_of(mark)
    return {
        "not ended": float(customers - load.samples[-1].ended),
        "not accounted for": float(run["unaccounted"]),
        "skipped": float(run["skipped"]),
        **pace(customers, load.seconds),
        **(time_left(load.samples, load.seconds) if run["finished_at"] else {}),
        **calls(books, chimp, customers, run["added"]),
        **{f"memory MB: {name}": most for name, most in sorted(load.memory.items())},
    }


def _pages(road: Road) -> int:
    """How many calls of the list the vendor has had."""
    rows = road.sandbox.get("counts")["counts"]
    assert isinstance(rows, list)
    return sum(row["calls"] for row in rows if row["route"] == LIST)


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    asked = options("account", str(__doc__))
    asked.add_argument("--customers", type=int, nargs="+", default=[500, 5000])
    asked.add_argument("--kill", nargs="*", choices=sorted(SERVICES), default=[], help="who is killed in the midst")
    asked.add_argument("--sandbox-time", action="store_true", help="pass over pauses in which nothing happens")
    asked.add_argument("--within", type=float, default=1800.0, help="seconds of the wall for each size")
    return asked.parse_args(words)


if __name__ == "__main__":
    raise SystemExit(main())
