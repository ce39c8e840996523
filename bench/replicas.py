"""The same burst with one, two and four mappers and writers: `python -m bench replicas --customers 2000 [--svg FILE]`.

Each number has a road of its own. On a machine whose cores are busy with one of each already, more processes cannot be faster: the cost of
a record says then what a second process costs, and the records a second where the machine ends.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from bench.burst import measured
from bench.curve import svg
from bench.progress import Progress
from bench.reports import options, report
from bench.rows import Goal
from bench.servers import road_on, servers
from tests.e2e.road import Road

SCALED = ("mapper", "writer-mailchimp")
PACE, COST = "records a second", "cpu ms: ours"
# A doubling that brings less than this is where it bends.
WORTH = 1.2
# A second process may repeat what each process does once: fetches, looks, commits.
DEARER = 1.25


def main(words: Sequence[str] | None = None) -> int:
    asked = _arguments(words)
    found: dict[str, float] = {}
    with servers() as stack:
        for replicas in asked.replicas:
            with road_on(stack) as road:
                _scaled(road, replicas)
                told = measured(road, stack, asked.customers, Progress(f"replicas {replicas}"))
            found |= {f"x{replicas}: {name}": value for name, value in told.items()}
    found |= curve(asked.replicas, found)
    if asked.svg:
        asked.svg.write_text(drawn(asked.replicas, found))
    return report(goals(asked.replicas), found, asked)


def goals(replicas: Sequence[int]) -> list[Goal]:
    """More of them cost a record hardly more, and cost the vendor nothing."""
    first, *others = replicas
    dearer = [Goal(f"x{n}: cost over that of x{first}", at_most=DEARER) for n in others]
    faster = [Goal(f"x{n}: pace over that of x{first}") for n in others]
    each = [Goal(f"x{n}: {name}") for n in replicas for name in (PACE, COST)]
    return [*dearer, *faster, Goal("bends after, replicas"), *each]


def curve(replicas: Sequence[int], found: Mapping[str, float]) -> dict[str, float]:
    """Beside the first of them; it bends at the last number that was worth its processes."""
    first, told, bends = replicas[0], {}, replicas[0]
    for before, now in pairwise(replicas):
        told[f"x{now}: pace over that of x{first}"] = found[f"x{now}: {PACE}"] / found[f"x{first}: {PACE}"]
        told[f"x{now}: cost over that of x{first}"] = found[f"x{now}: {COST}"] / found[f"x{first}: {COST}"]
        if bends == before and found[f"x{now}: {PACE}"] >= WORTH * found[f"x{before}: {PACE}"]:
            bends = now
    return {**told, "bends after, replicas": float(bends)}


def drawn(replicas: Sequence[int], found: Mapping[str, float]) -> str:
    lines = {"found": [(float(n), found[f"x{n}: {PACE}"]) for n in replicas]}
    return svg("Replicas of mapper and writer", "replicas", PACE, lines)


def _scaled(road: Road, replicas: int) -> None:
    for name in SCALED:
        road.fleet.start(*[name] * (replicas - len(road.fleet.of(name))))


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    asked = options("replicas", str(__doc__))
    asked.add_argument("--customers", type=int, default=2000)
    asked.add_argument("--replicas", type=int, nargs="+", default=[1, 2, 4])
    asked.add_argument("--svg", type=Path, help="draw the curve there")
    return asked.parse_args(words)


if __name__ == "__main__":
    raise SystemExit(main())
