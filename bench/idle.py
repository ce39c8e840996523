"""What a stack costs that has nothing to do: `python -m bench idle [--seconds 60] [--json FILE] [--against FILE]`.

It looks at the stack that runs in MILLRACE_HOME (`make up`, then a minute of rest: a young JVM compiles): of each process the share of a
core, how often it woke, its memory; of the database how many transactions ended. Exits non-zero above the goals: 2 % of a core for all
services and servers together, 80 MB for a service. How often a process wakes is the number that a busy machine does not change.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import asyncpg

from bench.processes import family
from millrace.settings import StackSettings
from millrace.stack.home import Home
from millrace.stack.postgres import DATABASE, login, password
from millrace.stack.state import StackState, read_state

CPU_GOAL = 2.0
MEMORY_GOAL_MB = 80
SUPERVISOR = "supervisor"


@dataclass(frozen=True)
class Burnt:
    """What one part has used so far, its children with it."""

    cpu_s: float
    wakes: int
    memory_mb: int


@dataclass(frozen=True)
class Part:
    """What one part costs."""

    cpu_percent: float
    wakes_a_second: float
    memory_mb: int


def main(words: Sequence[str] | None = None) -> int:
    asked = _arguments(words)
    home = Home(StackSettings.from_environment().home)
    state = read_state(home)
    if state is None or state.phase != "up":
        print(f"No stack runs in {home.root}: start one with `make up`.", file=sys.stderr)
        return 2
    parts, commits = _measured(home, state, asked.seconds)
    if asked.json:
        asked.json.write_text(json.dumps({name: asdict(part) for name, part in parts.items()}, indent=1) + "\n")
    before = json.loads(asked.against.read_text()) if asked.against else {}
    print(_table(parts, before))
    print(f"{'transactions of the database a second':<44}{commits:>8.1f}")
    services = [name for name, unit in state.units.items() if unit.kind == "service"]
    return 0 if _within(parts, services) else 1


def _measured(home: Home, state: StackState, seconds: float) -> tuple[dict[str, Part], float]:
    leaders = {name: unit.pid for name, unit in state.units.items() if unit.pid is not None and unit.kind != "step"}
    leaders[SUPERVISOR] = state.pid
    began, first, commits = time.monotonic(), _looked(leaders), _commits(home, state)
    time.sleep(seconds)
    took, last, commits = time.monotonic() - began, _looked(leaders), _commits(home, state) - commits
    return {name: _part(first[name], last[name], took) for name in leaders}, commits / took


def _part(first: Burnt, last: Burnt, seconds: float) -> Part:
    cpu, wakes = last.cpu_s - first.cpu_s, last.wakes - first.wakes
    return Part(round(100 * cpu / seconds, 3), round(wakes / seconds, 1), last.memory_mb)


def _looked(leaders: Mapping[str, int]) -> dict[str, Burnt]:
    # The others are its children, and parts of their own.
    return {name: _burnt([pid] if name == SUPERVISOR else list(family(pid))) for name, pid in leaders.items()}


def _burnt(pids: Sequence[int]) -> Burnt:
    """The scheduler counts in nanoseconds; the clock of /proc/PID/stat is too coarse for what sleeps most of the time."""
    threads = [thread for pid in pids for thread in _threads(pid)]
    return Burnt(
        sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9,
        sum(_line(thread / "status", "voluntary_ctxt_switches") for thread in threads),
        _line(Path(f"/proc/{pids[0]}/status"), "VmRSS") // 1024,
    )


def _threads(pid: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{pid}/task").iterdir())
    except FileNotFoundError:
        return []


def _line(path: Path, name: str) -> int:
    found = next((line for line in path.read_text().splitlines() if line.startswith(f"{name}:")), ": 0")
    return int(found.split()[1])


def _commits(home: Home, state: StackState) -> int:
    return asyncio.run(_asked(home, state.units["postgres"].facts["url"]))


async def _asked(home: Home, url: str) -> int:
    link = await asyncpg.connect(url, user=login("admin"), password=password(home, "admin"), database="postgres")
    try:
        found = await link.fetchval("select xact_commit from pg_stat_database where datname = $1", DATABASE)
    finally:
        await link.close()
    return int(found)


def _table(parts: Mapping[str, Part], before: Mapping[str, Mapping[str, float]]) -> str:
    lines = [
        f"{'part':<20}{'% of a core':>12}{'wakes/s':>10}{'MB':>6}"
        + (f"{'before: %':>14}{'wakes/s':>10}{'MB':>6}" if before else "")
    ]
    for name, part in sorted(parts.items(), key=lambda one: -one[1].cpu_percent):
        lines.append(_row(name, asdict(part)) + _row("", before.get(name, {}), 2) * bool(before))
    sums = [_sum(asdict(part) for part in parts.values()), _sum(before.values())]
    return "\n".join([*lines, _row("all", sums[0]) + _row("", sums[1], 2) * bool(before)])


def _row(name: str, cost: Mapping[str, float], indent: int = 0) -> str:
    if not cost:
        return ""
    head = f"{name:<20}" if not indent else ""
    return f"{head}{cost['cpu_percent']:>{12 + indent}.3f}{cost['wakes_a_second']:>10.1f}{cost['memory_mb']:>6.0f}"


def _sum(costs: Iterable[Mapping[str, float]]) -> dict[str, float]:
    listed = list(costs)
    return {name: sum(one[name] for one in listed) for name in ("cpu_percent", "wakes_a_second", "memory_mb") if listed}


def _within(parts: Mapping[str, Part], services: Sequence[str]) -> bool:
    cpu = sum(part.cpu_percent for part in parts.values())
    heaviest = max(parts[name].memory_mb for name in services)
    print(
        f"all together {cpu:.2f} % of a core (goal {CPU_GOAL:.0f}), the largest service {heaviest} MB (goal {MEMORY_GOAL_MB})"
    )
    return cpu <= CPU_GOAL and heaviest <= MEMORY_GOAL_MB


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench idle", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--json", type=Path, help="where the figures are written")
    parser.add_argument("--against", type=Path, help="figures of an earlier run, shown beside")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
