"""Faults of the vendors that come and go by the seed: every kind that the sandbox has, at each vendor that we call."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.e2e.road import Road

AT_ONCE, MOST = 3, 12
TOKENS_LIVE_S = 3600
Fault = dict[str, Any]
GATEWAY = (500, 502, 503, 504)
# Names of kinds, and what they are given; a number is drawn where several are named.
CALLS: dict[str, Fault] = {
    "latency": {"seconds": (0.2, 0.6, 1.5)},
    "status": {"status": GATEWAY},
    "reset_before": {},
    "reset_after": {},
    "half_commit": {"status": GATEWAY},
    "late_commit": {"seconds": (5, 20, 60)},
    "storm_429": {"count": (4, 12)},
    "slow_body": {"seconds": (0.3, 1.0)},
    "truncated_body": {},
    "token_revoked": {"count": 1},
}
HOOKS: dict[str, Fault] = {
    "webhook_late": {"share": 0.3, "seconds": (3, 15, 40)},
    "webhook_double": {"share": 0.4, "copies": (2, 3)},
    "webhook_lost": {"share": 0.2},
    "webhook_shuffle": {"share": 0.6, "window": (4, 8), "seconds": (1, 2)},
}
# Nothing of Books is written by us, so nothing can be half done there. A consent is given once; its refresh is met by the others.
NOT_THERE = {
    "zoho-books": ("half_commit", "late_commit"),
    "zoho-accounts": ("half_commit", "late_commit", "token_revoked", *HOOKS),
}
# Few calls go there, so more of them are struck; a token is asked for seldom, and then twice in vain.
OFTENER: dict[str, Fault] = {
    "mailchimp": {"share": 0.25},
    "zoho-accounts": {"share": 1.0, "count": 2},
    "zoho-books": {"share": 0.7, "count": 4},
}
VENDORS = ("mailchimp", "zoho-books", "zoho-accounts")


@dataclass
class InForce:
    """One fault that is on; `id` is the sandbox's."""

    id: str
    fault: Fault


class Weather:
    """A deck of faults, each dealt at least once: one comes with every change, and goes when it has struck and enough others are on."""

    def __init__(self, road: Road, seed: int) -> None:
        self._road = road
        self._chance = random.Random(f"weather:{seed}")
        self._deck: list[Fault] = []
        self._on: list[InForce] = []
        self.met: Counter[tuple[str, str]] = Counter()
        """How many calls and messages each kind has struck."""
        self.jumps: dict[datetime, timedelta] = {}
        """When the vendors' clock was put forward by how much, as they tell the time."""

    def changes(self) -> None:
        """One fault more; one less where there are enough."""
        if not self._deck:
            self._deck = [self._drawn(vendor, kind, given) for vendor, kind, given in kinds()]
            self._chance.shuffle(self._deck)
        if len(self._on) >= AT_ONCE:
            self._one_less()
        self._deal(self._deck.pop())

    def insists(self) -> None:
        """What has struck nothing yet is on, however early it was lifted, and tokens are asked for if it waits for that."""
        missing, on = self.missing(), {(one.fault["vendor"], one.fault["kind"]) for one in self._on}
        for vendor, kind, given in kinds():
            if (vendor, kind) in missing - on:
                self._deal(self._drawn(vendor, kind, given))
        if any(vendor == "zoho-accounts" for vendor, _ in missing & on):
            self._an_hour_passes()

    def missing(self) -> set[tuple[str, str]]:
        """Kinds that have struck nothing yet."""
        on = {(one.fault["vendor"], one.fault["kind"]) for one in self._on if self._hits(one)}
        return {(vendor, kind) for vendor, kind, _ in kinds() if not self.met[vendor, kind]} - on

    def clears(self) -> None:
        while self._on:
            self._lift(self._on.pop())

    @contextmanager
    def nothing_lost(self) -> Iterator[None]:
        """What is told meanwhile arrives, sooner or later: a deleted record has no later webhook that would make up for it."""
        lost = [one for one in self._on if one.fault["kind"] == "webhook_lost"]
        for one in lost:
            self._lift(one)
        yield
        for one in lost:
            one.id = self._put(one.fault)

    def _one_less(self) -> None:
        struck = [one for one in self._on if self._hits(one)]
        if struck or len(self._on) >= MOST:
            leaving = (struck or self._on)[0]
            self._on.remove(leaving)
            self._lift(leaving)

    def _deal(self, fault: Fault) -> None:
        self._on.append(InForce(self._put(fault), fault))
        if fault["vendor"] == "zoho-accounts":
            self._an_hour_passes()

    def _an_hour_passes(self) -> None:
        """Access tokens live for as long, so that somebody has to ask for a new one."""
        now = datetime.fromisoformat(str(self._road.sandbox.get("clock")["now"]))
        self.jumps[now.astimezone(UTC).replace(tzinfo=None)] = timedelta(seconds=TOKENS_LIVE_S)
        self._road.advance(TOKENS_LIVE_S)

    def _put(self, fault: Fault) -> str:
        return str(self._road.sandbox.post("faults", fault)["id"])

    def _lift(self, one: InForce) -> None:
        self.met[one.fault["vendor"], one.fault["kind"]] += self._hits(one)
        self._road.sandbox.delete(f"faults?id={one.id}")

    def _hits(self, one: InForce) -> int:
        rules: Any = self._road.sandbox.get("faults")["faults"]
        return sum(rule["hits"] for rule in rules if rule["id"] == one.id)

    def _drawn(self, vendor: str, kind: str, given: Fault) -> Fault:
        drawn = {name: self._chance.choice(one) if isinstance(one, tuple) else one for name, one in given.items()}
        return {
            "vendor": vendor,
            "kind": kind,
            "seed": self._chance.randrange(1 << 30),
            **drawn,
            **OFTENER.get(vendor, {}),
        }


def kinds() -> list[tuple[str, str, Fault]]:
    """Every fault there can be, by vendor and kind."""
    return [
        (vendor, kind, given)
        for vendor in VENDORS
        for kind, given in {**CALLS, **HOOKS}.items()
        if kind not in NOT_THERE.get(vendor, ())
    ]
