"""Everything again, to "unchanged": `python -m bench replay --records 1000 10000 100000 [--svg FILE]`.

An account of each size is loaded first, with the vendor's limit out of the way. Then three things are measured on it, and none may write:
the topic of changes read again from its first record (mapper), the topic of commands (writer: intake, and its judgement of each), and the
account listed again as a whole (ingest and mapper). CPU is what counts; what a service burns until it is ready is taken off.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench.burst import server_pids
from bench.curve import svg
from bench.loading import FIRST, FULL, Load
from bench.machine import beside, glance
from bench.processes import cpu_ms, peak_mb
from bench.progress import Progress
from bench.replay_figures import a_second_and_core, growth, net_ms
from bench.reports import options, report
from bench.rows import Goal
from bench.servers import ACCOUNTS, road_on, servers
from tests.e2e.road import SERVICE_OF, Road
from tests.e2e.topics import READERS
from tests.support.local_stack import LocalStack

CHANGES, COMMANDS = "changes.zoho-books", "commands.mailchimp"
TOPICS = {"changes": CHANGES, "commands": COMMANDS}
MEMORY_MB = 250.0
A_CORE, A_CORE_MOONSHOT = 8_000.0, 25_000.0
NO_LIMIT = 1_000_000
SETTLES_S = 3.0


def main(words: Sequence[str] | None = None) -> int:
    asked = _arguments(words)
    found: dict[str, float] = {}
    with servers() as stack:
        for records in asked.records:
            with road_on(stack, ACCOUNTS) as road:
                measured = _measured(road, stack, records, asked.within)
            found |= {f"{records:,}: {name}": value for name, value in measured.items()}
    found |= growth(asked.records, found)
    if asked.svg:
        asked.svg.write_text(drawn(asked.records, found))
    return report(goals(asked.records), found, asked)


def goals(sizes: Sequence[int]) -> list[Goal]:
    """What each size has to be."""
    return [goal for records in sizes for goal in _goals(f"{records:,}: ")]


def _goals(size: str) -> Iterator[Goal]:
    yield Goal(f"{size}mapper + intake, a second and core", at_least=A_CORE, moonshot=A_CORE_MOONSHOT)
    yield Goal(f"{size}writes", at_most=0)
    for name, topic in TOPICS.items():
        yield Goal(f"{size}{name}: seconds")
        yield Goal(f"{size}{name}: cpu ms a record")
        yield Goal(f"{size}{name}: memory MB of {SERVICE_OF[READERS[topic]]}", at_most=MEMORY_MB)
    yield Goal(f"{size}listed again: seconds")


def drawn(sizes: Sequence[int], found: Mapping[str, float]) -> str:
    """The cost of a record over the number of records."""
    names = [f"{name}: cpu ms a record" for name in TOPICS] + ["listed again: cpu ms a record"]
    lines = {
        name.partition(":")[0]: [(float(n), found[f"{n:,}: {name}"]) for n in sizes if f"{n:,}: {name}" in found]
        for name in names
    }
    return svg("Replay to unchanged", "records", "own CPU a record, ms", lines)


def _measured(road: Road, stack: LocalStack, records: int, within: float) -> dict[str, float]:
    progress, first = Progress(f"replay {records}"), glance()
    load = Load(road, records, progress)
    unlimited(road)
    load.begin()
    if not load.watch(FIRST, within):
        raise AssertionError(f"the account was not loaded within {within:g} s\n{road.shown()}")
    road.wait_until_quiet(within=within)
    progress.say(f"loaded in {load.seconds:.0f} s")
    mark = road.mark()
    found: dict[str, float] = {}
    for name, topic in TOPICS.items():
        again = _read_again(road, stack, topic, within)
        progress.say(f"{name}: {again['records']:.0f} records in {again['seconds']:.1f} s")
        found |= {f"{name}: {what}": value for what, value in again.items()}
    listed = _listed_again(road, load, within)
    progress.say(f"listed again in {listed['seconds']:.1f} s")
    both = (found[f"{name}: cpu ms a record"] for name in TOPICS)
    return {
        **found,
        **{f"listed again: {what}": value for what, value in listed.items()},
        "mapper + intake, a second and core": a_second_and_core(both),
        "writes": float(len(road.writes_since(mark))),
        **beside(first, glance()),
    }


def unlimited(road: Road) -> None:
    """The vendor allows as many calls a minute as anybody asks for, and we know it: what is measured here is ours."""
    road.sandbox.post("limits", {"vendor": "zoho-books", "per_minute": NO_LIMIT})
    told = {"calls_per_minute": str(NO_LIMIT)}
    road.sql.execute("update core.connection set details = details || $1 where vendor = 'zoho-books'", told)


def _read_again(road: Road, stack: LocalStack, topic: str, within: float) -> dict[str, float]:
    """Its reader begins at the first record and goes to the end; how a fresh process with nothing to read burns is measured first."""
    service = SERVICE_OF[READERS[topic]]
    road.fleet.stop(service)
    start = _until_quiet(road, stack, service, within)
    road.fleet.stop(service)
    records = road.topics.to_earliest(topic)
    used = _until_quiet(road, stack, service, within)
    return {
        "records": float(records),
        "seconds": used["seconds"],
        "records a second": records / used["seconds"],
        "cpu ms a record": net_ms(used[service], start[service], records),
        "cpu ms a record of postgres": net_ms(used["postgres"], start["postgres"], records),
        "cpu ms a record of kafka": net_ms(used["kafka"], start["kafka"], records),
        f"memory MB of {service}": peak_mb(road.fleet.one(service).process.pid),
    }


def _until_quiet(road: Road, stack: LocalStack, service: str, within: float) -> dict[str, float]:
    """The service begins, and has nothing left to do: seconds, and CPU by part."""
    servers, began = server_pids(stack), time.monotonic()
    before = cpu_ms(servers)
    road.fleet.start(service)
    road.wait_until_quiet(within=within)
    seconds = time.monotonic() - began
    # A process that has just become ready has not done all that a young one does; both of those that are compared have by then.
    time.sleep(SETTLES_S)
    now = cpu_ms(servers)
    own = cpu_ms({service: [road.fleet.one(service).process.pid]})
    return {"seconds": seconds, **own, **{name: now[name] - before[name] for name in servers}}


def _listed_again(road: Road, load: Load, within: float) -> dict[str, float]:
    ours = {name: [road.fleet.one(name).process.pid] for name in ("ingest", "mapper", "writer-mailchimp")}
    before, again = cpu_ms(ours), Load(road, load.customers, load.progress)
    again.again()
    if not again.watch(FULL, within):
        raise AssertionError(f"the account was not listed again within {within:g} s\n{road.shown()}")
    used = {name: now - before[name] for name, now in cpu_ms(ours).items()}
    return {
        "seconds": again.seconds,
        "cpu ms a record": sum(used.values()) / load.customers,
        **{f"memory MB of {name}": most for name, most in again.memory.items() if name in ours},
        "unchanged or skipped": float(again.run["unchanged"] + again.run["skipped"]),
    }


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    asked = options("replay", str(__doc__))
    asked.add_argument("--records", type=int, nargs="+", default=[1_000, 10_000])
    asked.add_argument("--svg", type=Path, help="draw the cost curve there")
    asked.add_argument("--within", type=float, default=2400.0, help="seconds of the wall for each step")
    return asked.parse_args(words)


if __name__ == "__main__":
    raise SystemExit(main())
