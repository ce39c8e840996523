"""N customers at once through the whole stack: `python -m bench.burst --customers 2000 [--json FILE] [--against FILE]`.

Every service is a process of its own on real servers, the vendors are the sandbox. It tells records a second to the last member, and a
record's share of CPU by process, commits, syncs of the log, Kafka batches, commits of offsets and Mailchimp calls, echoes included.
CPU is the robust number: the clock on the wall belongs to everybody who works on the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.__main__ import _servers
from bench.entering import entered
from bench.kafka_logs import OFFSETS, Appended, appended
from bench.processes import cpu_ms
from bench.rows import Goal, compared
from millrace.stack.home import Home
from millrace.stack.state import read_state
from tests.e2e.opening import opened
from tests.e2e.road import Road
from tests.support.database import Server
from tests.support.local_stack import LocalStack

OURS = ("ingest", "mapper", "writer-mailchimp")
SERVERS = ("kafka", "postgres", "valkey")
WITHIN_S = 900.0
IDEAL_ROWS = 500
IDLE_S = 5.0

GOALS = (
    Goal("records a second", at_least=200.0),
    Goal("cpu ms: ours", at_most=2.0),
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
    Goal("mailchimp calls", at_most=20.0),
    Goal("mailchimp calls over ideal"),
)


def main() -> int:
    asked = _arguments()
    with _servers() as stack, tempfile.TemporaryDirectory(prefix="millrace-burst-") as folder:
        server = Server.of(stack)
        template = asyncio.run(server.template())
        asyncio.run(server.set_passwords(template))
        with opened(Path(folder) / "home", stack, server, template) as road:
            found = measured(road, stack, asked.customers)
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1) + "\n")
    print(compared(GOALS, found, json.loads(asked.against.read_text()) if asked.against else {}))
    return 0 if all(goal.met(found) for goal in GOALS) else 1


def measured(road: Road, stack: LocalStack, customers: int) -> dict[str, float]:
    """One burst on a road with nothing on it, from the first customer until nothing is on its way."""
    road.customer_created("first@burst.example")
    road.wait_for_member("first@burst.example")
    road.wait_until_quiet()
    parts = _parts(road, stack)
    idle = _idle(parts)
    mark, before = road.mark(), _Counts.of(road, stack)
    cpu, began = cpu_ms(parts), time.monotonic()
    asyncio.run(entered(road.books.account, customers))
    _show(f"{customers} customers are entered after {time.monotonic() - began:.1f} s")
    seconds = _until_written(road, customers + 1) - began
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
    }


def _idle(parts: Mapping[str, int]) -> dict[str, float]:
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


def _until_written(road: Road, many: int) -> float:
    """When the last of them was written, by the clock that began."""
    deadline, shown = time.monotonic() + WITHIN_S, 0.0
    while (done := road.sql.value("select count(*) from flow.work_item where state = 'done'")) < many:
        if time.monotonic() > deadline:
            raise AssertionError(f"{done} of {many} after {WITHIN_S:g} s\n{road.shown()}")
        if time.monotonic() > shown + 5:
            shown = time.monotonic()
            _show(f"{done} of {many} are written")
        time.sleep(0.1)
    return time.monotonic()


def _parts(road: Road, stack: LocalStack) -> dict[str, int]:
    state = read_state(Home(stack.home))
    assert state is not None
    servers = {name: state.units[name].pid for name in SERVERS}
    ours = {name: road.fleet.one(name).process.pid for name in OURS}
    return {**{name: pid for name, pid in servers.items() if pid}, **ours, "sandbox": road.sandbox.pid}


def _show(words: str) -> None:
    if sys.stderr.isatty():
        print(words, file=sys.stderr)


def _arguments() -> Any:
    words = argparse.ArgumentParser(prog="python -m bench.burst", description=__doc__.splitlines()[0])
    words.add_argument("--customers", type=int, default=2000)
    words.add_argument("--json", type=Path, help="write what was measured there")
    words.add_argument("--against", type=Path, help="what an earlier run has written: shown beside this one")
    return words.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
