"""Everything is killed with -9 under load: `python -m bench restart --rate 100 --seconds 20 [--servers] [--real]`.

Customers are entered evenly; in the midst of it all services of ours (with `--servers` also Kafka, PostgreSQL and Valkey) are killed at
once, and started again as a supervisor does. It tells how long they take to be ready, when everything accepted that was not in flight at
a vendor is written, and when the rest is: calls whose outcome nobody saw rest until the vendor's horizon, which is passed over in the sandbox's
time unless `--real` is given. Nothing may be lost, and nothing written twice.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import time
from collections.abc import Sequence
from datetime import datetime

from bench.call_figures import made_twice
from bench.entering import address_of, entered
from bench.machine import beside, glance
from bench.progress import Progress
from bench.reports import options, report
from bench.rows import Goal
from bench.servers import road_on, servers
from tests.chaos.storm.kills import SERVERS, SERVICES, Kills
from tests.e2e.road import Road
from tests.support.local_stack import LocalStack

# A webhook that nobody answers comes again, as the vendor's retry policy has it.
HOOK_RETRIES_S = [1, 2, 3, 5, 5, 10, 10, 20]
WITHIN_S = 600.0
LONGEST_HORIZON_S = 210.0
HELD = "select count(*) from flow.work_item where state = 'hold'"
# Written, or under way when its writer died.
_OVER = "select count(*) from flow.work_item where record = any($1) and state in ('done', 'hold')"
_CONTACT = re.compile(r'"contact_id":\s*"(\d+)"')

GOALS = (
    Goal("seconds until all are ready", at_most=10.0),
    Goal("seconds until all but what was in flight is written", at_most=20.0),
    Goal("seconds until the rest is written", at_most=LONGEST_HORIZON_S + 30),
    Goal("lost", at_most=0),
    Goal("written twice", at_most=0),
    Goal("accepted when killed"),
    Goal("written when killed"),
    Goal("in flight when killed"),
)


def main(words: Sequence[str] | None = None) -> int:
    asked = _arguments(words)
    with servers() as stack, road_on(stack) as road:
        found = measured(road, stack, asked)
    return report(GOALS, found, asked)


def measured(road: Road, stack: LocalStack, asked: argparse.Namespace) -> dict[str, float]:
    progress, first = Progress("restart"), glance()
    road.sandbox.post("limits", {"vendor": "zoho-books", "hook_retries_s": HOOK_RETRIES_S})
    road.customer_created("first@burst.example")
    road.wait_for_member("first@burst.example")
    road.wait_until_quiet()
    mark, customers = road.mark(), int(asked.rate * asked.seconds)
    asyncio.run(entered(road.books.account, customers, a_second=asked.rate))
    taken = accepted(road.sandbox.get("deliveries", since=mark.deliveries)["deliveries"])
    found = {"written when killed": float(_written(road) - 1), "accepted when killed": float(len(taken))}
    progress.say(f"everything is killed: {found}")
    killed_at, moment = _killed(road, stack, (*SERVICES, *(SERVERS if asked.servers else ())))
    found |= _back(road, killed_at, sorted(taken), progress)
    _wait_for_the_rest(road, asked.real, progress)
    found["seconds until the rest is written"] = (_now(road) - moment).total_seconds()
    members = road.audience.members()
    lost = [number for number in range(customers) if address_of(number) not in members]
    twice = made_twice(road.calls_of(mark))
    return {**found, "lost": float(len(lost)), "written twice": float(len(twice)), **beside(first, glance())}


def _killed(road: Road, stack: LocalStack, victims: Sequence[str]) -> tuple[float, datetime]:
    """When the last was dead, by both clocks; returns when all are ready again. Servers are begun again by their own supervisor."""
    kills = Kills(road, stack)
    for victim in victims:
        kills.kill(victim)
    killed_at, moment = time.monotonic(), _now(road)
    kills.all_back()
    if any(victim in SERVERS for victim in victims):
        road.sql.again()
    if kills.died_alone:
        raise AssertionError("\n".join(kills.died_alone))
    return killed_at, moment


def _back(road: Road, killed_at: float, taken: Sequence[str], progress: Progress) -> dict[str, float]:
    """Of what the gateway had accepted: what was not under way to a vendor is waited for. What it had not comes again, and is not judged."""
    ready = time.monotonic() - killed_at
    progress.say(f"all are ready after {ready:.1f} s")
    road.until(lambda: road.sql.value(_OVER, list(taken)) >= len(taken), "what was accepted is written", WITHIN_S, 0.1)
    written = time.monotonic() - killed_at
    held = int(road.sql.value(HELD))
    progress.say(f"what was accepted is written after {written:.1f} s, but for {held}")
    return {
        "seconds until all are ready": ready,
        "seconds until all but what was in flight is written": written,
        "in flight when killed": float(held),
    }


def _wait_for_the_rest(road: Road, real: bool, progress: Progress) -> None:
    """What is on hold is looked at when the horizon of its call has passed, by the sandbox's clock."""
    deadline = time.monotonic() + WITHIN_S
    while (until := road.sql.value("select max(hold_until) from flow.work_item where state = 'hold'")) is not None:
        if time.monotonic() > deadline:
            raise AssertionError(f"still on hold after {WITHIN_S:g} s\n{road.shown()}")
        if not real:
            road.advance(max(0.0, (until - _now(road)).total_seconds()) + 1.0)
        progress.tell(f"{road.sql.value(HELD)} are on hold until {until:%H:%M:%S}")
        time.sleep(0.5)
    road.wait_until_quiet(within=WITHIN_S)
    progress.say("the rest is written")


def _now(road: Road) -> datetime:
    return datetime.fromisoformat(str(road.sandbox.get("clock")["now"]))


def _written(road: Road) -> int:
    return int(road.sql.value("select count(*) from flow.work_item where state = 'done'"))


def accepted(deliveries: object) -> set[str]:
    """Customers of whom the gateway has taken a webhook for good, by their ids."""
    assert isinstance(deliveries, list)
    taken = [row["body"] for row in deliveries if row["vendor"] == "zoho-books" and row["status"] == 200]
    return {found[1] for body in taken if (found := _CONTACT.search(body))}


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    asked = options("restart", str(__doc__))
    asked.add_argument("--rate", type=float, default=100.0, help="customers a second")
    asked.add_argument("--seconds", type=float, default=20.0, help="for so long, until everything is killed")
    asked.add_argument("--servers", action="store_true", help="kill Kafka, PostgreSQL and Valkey too")
    asked.add_argument("--real", action="store_true", help="wait for the vendor's horizon by the wall")
    return asked.parse_args(words)


if __name__ == "__main__":
    raise SystemExit(main())
