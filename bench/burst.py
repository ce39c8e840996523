"""N customers at once through the whole stack: `python -m bench burst --customers 2000`.

Every service is a process of its own on real servers, the vendors are the sandbox. It tells records a second to the last member, and a
record's share of CPU by process, commits, syncs of the log, Kafka batches, commits of offsets and Mailchimp calls, echoes included.
CPU is the robust number: the clock on the wall belongs to everybody who works on the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Mapping, Sequence

from bench.entering import entered
from bench.kafka_logs import OFFSETS, Appended, appended
from bench.machine import beside, glance
from bench.processes import cpu_ms
from bench.progress import Progress
from bench.reports import options, report
from bench.rows import Goal
from bench.servers import road_on, servers
from millrace.stack.home import Home
from millrace.stack.state import read_state
from tests.e2e.road import Road
from tests.support.local_stack import LocalStack

OURS = ("ingest", "mapper", "writer-mailchimp")
SERVERS = ("kafka", "postgres", "valkey")
WITHIN_S = 900.0
IDEAL_ROWS = 500
IDLE_S = 5.0

GOALS = (
    Goal("records a second", at_least=200.0),
    Goal("cpu ms: ours", at_most=2.0, moonshot=0.7),
    *(Goal(f"cpu ms: {name}") for name in OURS),
    Goal("cpu ms: postgres", at_most=1.5),
    Goal("cpu ms: kafka", at_most=0.7),
    Goal("cpu ms over idle: ours"),
    Goal("cpu ms over idle: postgres"),
    Goal("cpu ms over idle: kafka"),
    Goal("idle, % of a core: ours"),
    Goal("cpu ms: valkey"),
    Goal("cpu ms: sandbox", at_most=1.0),
    Goal("commits"),
    Goal("syncs of the log"),
    Goal("kafka messages"),
    Goal("kafka batches"),
    Goal("commits of offsets"),
    Goal("mailchimp calls", at_most=20.0, moonshot=4.0),
    Goal("mailchimp calls over ideal"),
)


def main(words: Sequence[str] | None = None) -> int:
    asked = _arguments(words)
    with servers() as stack, road_on(stack) as road:
        found = measured(road, stack, asked.customers, Progress("burst"))
    return report(GOALS, found, asked)


def measured(road: Road, stack: LocalStack, customers: int, progress: Progress) -> dict[str, float]:
    """One burst on a road with nothing on it, from the first customer until nothing is on its way."""
    road.customer_created("first@burst.example")
    road.wait_for_member("first@burst.example")
    road.wait_until_quiet()
    parts = _parts(road, stack)
    idle = _idle(parts)
    mark, before, first = road.mark(), _Counts.of(road, stack), glance()
    cpu, began = cpu_ms(parts), time.monotonic()
    asyncio.run(entered(road.books.account, customers))
    progress.say(f"{customers} customers are entered after {time.monotonic() - began:.1f} s")
    seconds = _until_written(road, customers + 1, progress) - began
    road.wait_until_quiet(within=WITHIN_S)
    took, now = time.monotonic() - began, cpu_ms(parts)
    used = {name: (now[name] - cpu[name]) / customers for name in parts}
    # What it burns with nothing to do is no record's: on a machine that others use it would count for as long as they do.
    net = {name: used[name] - idle[name] * took / customers for name in parts}
    counts = _Counts.of(road, stack).since(before)
    calls = len(road.calls_of(mark))
    return {
        "customers": customers,
        "records a second": customers / seconds,
        "cpu ms: ours": sum(used[name] for name in OURS),
        **{f"cpu ms: {name}": value for name, value in used.items()},
        "cpu ms over idle: ours": sum(net[name] for name in OURS),
        "cpu ms over idle: postgres": net["postgres"],
        "cpu ms over idle: kafka": net["kafka"],
        "idle, % of a core: ours": sum(idle[name] for name in OURS) / 10,
        **{name: value / customers for name, value in counts.items()},
        "mailchimp calls": calls,
        "mailchimp calls over ideal": calls / -(-customers // IDEAL_ROWS),
        **beside(first, glance()),
    }


def _idle(parts: Mapping[str, Sequence[int]]) -> dict[str, float]:
    """Milliseconds of CPU a second of each part while nothing happens."""
    before = cpu_ms(parts)
    time.sleep(IDLE_S)
    return {name: (now - before[name]) / IDLE_S for name, now in cpu_ms(parts).items()}


class _Counts:
    """What the servers have counted so far."""

    def __init__(self, commits: int, syncs: int, logs: Mapping[str, Appended]) -> None:
        self._commits, self._syncs, self._logs = commits, syncs, logs

    @classmethod
    def of(cls, road: Road, stack: LocalStack) -> _Counts:
        commits = road.sql.value("select xact_commit from pg_stat_database where datname = current_database()")
        syncs = road.sql.value("select wal_sync from pg_stat_wal")
        return cls(commits, syncs, appended(stack.home / "data/kafka"))

    def since(self, before: _Counts) -> dict[str, float]:
        offsets = {OFFSETS}
        return {
            "commits": self._commits - before._commits,
            "syncs of the log": self._syncs - before._syncs,
            "kafka messages": self._sum("records", offsets) - before._sum("records", offsets),
            "kafka batches": self._sum("batches", offsets) - before._sum("batches", offsets),
            "commits of offsets": self._of_offsets - before._of_offsets,
        }

    def _sum(self, what: str, but: set[str]) -> int:
        return sum(getattr(one, what) for topic, one in self._logs.items() if topic not in but)

    @property
    def _of_offsets(self) -> int:
        return self._logs[OFFSETS].batches if OFFSETS in self._logs else 0


def _until_written(road: Road, many: int, progress: Progress) -> float:
    """When the last of them was written, by the clock that began."""
    deadline = time.monotonic() + WITHIN_S
    while (done := road.sql.value("select count(*) from flow.work_item where state = 'done'")) < many:
        if time.monotonic() > deadline:
            raise AssertionError(f"{done} of {many} after {WITHIN_S:g} s\n{road.shown()}")
        progress.tell(f"{done} of {many} are written")
        # Counting them reads the whole table, which is the database's work as well: seldom while most are still to come.
        time.sleep(min(1.0, max(0.05, (many - done) / 2000)))
    return time.monotonic()


def _parts(road: Road, stack: LocalStack) -> dict[str, list[int]]:
    """What is looked at, and the processes that lead it: a service may run several times."""
    ours = {name: [one.process.pid for one in road.fleet.of(name)] for name in OURS}
    return {**server_pids(stack), **ours, "sandbox": [road.sandbox.pid]}


def server_pids(stack: LocalStack) -> dict[str, list[int]]:
    state = read_state(Home(stack.home))
    assert state is not None
    found = {name: state.units[name].pid for name in SERVERS}
    return {name: [pid] for name, pid in found.items() if pid}


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    asked = options("burst", str(__doc__))
    asked.add_argument("--customers", type=int, default=2000)
    return asked.parse_args(words)


if __name__ == "__main__":
    raise SystemExit(main())
