"""Customers at a steady pace: `python -m bench pace --rates 1 10 50 100 --seconds 20`.

How long each of them takes from its webhook to the call that makes its member, by the sandbox's own clock: it sends the one and takes the other,
so what is told is ours and nobody else's. Each rate begins when nothing is on its way.
"""

from __future__ import annotations

import argparse
import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import md5
from typing import Any

from bench.entering import address_of, entered
from bench.machine import beside, glance
from bench.progress import Progress
from bench.reports import options, report
from bench.rows import Goal
from bench.servers import road_on, servers
from tests.e2e.road import Road

ALONE = 1.0
P50_MS, P99_MS, P99_MS_AT_50 = 25.0, 60.0, 150.0
WITHIN_S = 300.0
_ADDRESS = re.compile(r"c\d+@burst\.example")


def main(words: Sequence[str] | None = None) -> int:
    asked = _arguments(words)
    with servers() as stack, road_on(stack) as road:
        first = glance()
        found = measured(road, asked.rates, asked.seconds)
    return report(goals(asked.rates), found | beside(first, glance()), asked)


def goals(rates: Sequence[float]) -> list[Goal]:
    """What is promised of one customer alone, and of fifty a second."""
    bounds = {(ALONE, "p50"): P50_MS, (ALONE, "p99"): P99_MS, (50.0, "p99"): P99_MS_AT_50}
    return [
        Goal(f"{rate:g} a second: {name} ms", at_most=bounds.get((rate, name)))
        for rate in rates
        for name in ("p50", "p99")
    ]


def measured(road: Road, rates: Iterable[float], seconds: float) -> dict[str, float]:
    """Each rate for so many seconds, one after the other."""
    progress, found, first = Progress("pace"), dict[str, float](), 0
    road.customer_created("first@burst.example")
    road.wait_for_member("first@burst.example")
    for rate in rates:
        road.wait_until_quiet(within=WITHIN_S)
        mark, many = road.mark(), max(1, int(rate * seconds))
        asyncio.run(entered(road.books.account, many, a_second=rate, first=first))
        road.wait_until_quiet(within=WITHIN_S)
        listed: Any = road.sandbox.get("deliveries", since=mark.deliveries)["deliveries"]
        took = latencies_ms(listed, road.calls_of(mark), map(address_of, range(first, first + many)))
        # Whose webhook nobody answered in time was found by a look at the source: it has no time of its own here, and is told.
        found[f"{rate:g} a second: without a webhook"] = float(many - len(took))
        if not took or not {address_of(one) for one in range(first, first + many)} <= road.audience.members().keys():
            raise AssertionError(f"not all of {many} customers became members\n{road.shown()}")
        found |= {f"{rate:g} a second: {name} ms": value for name, value in percentiles(took).items()}
        progress.say(f"{many} at {rate:g} a second: p50 {percentiles(took)['p50']:.0f} ms")
        first += many
    return found


def latencies_ms(
    deliveries: Iterable[Mapping[str, Any]], calls: Iterable[Mapping[str, Any]], addresses: Iterable[str]
) -> list[float]:
    """From the first webhook that was taken of each customer to the call that made its member, of those who became one."""
    told: dict[str, int] = {}
    for row in deliveries:
        for address in set(_ADDRESS.findall(row["body"])) if row["status"] == 200 else ():
            told.setdefault(address, row["sent_mono_ns"])
    made = {
        one["id"]: call["mono_ns"]
        for call in calls
        for one in call["applied"]
        if (one["kind"], one["op"]) == ("member", "create")
    }
    ids = {address: md5(address.encode(), usedforsecurity=False).hexdigest() for address in addresses}
    return [(made[id] - told[address]) / 1e6 for address, id in ids.items() if id in made and address in told]


def percentiles(took: Iterable[float]) -> dict[str, float]:
    """The middle one, and the one that a hundredth is slower than."""
    ordered = sorted(took)
    return {
        name: ordered[min(len(ordered) - 1, int(len(ordered) * part))] for name, part in (("p50", 0.5), ("p99", 0.99))
    }


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    asked = options("pace", str(__doc__))
    asked.add_argument("--rates", type=float, nargs="+", default=[1.0, 10.0, 50.0, 100.0], help="customers a second")
    asked.add_argument("--seconds", type=float, default=20.0, help="for so long each")
    return asked.parse_args(words)


if __name__ == "__main__":
    raise SystemExit(main())
