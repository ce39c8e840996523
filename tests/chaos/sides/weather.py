"""What goes wrong at either vendor while people edit: faults that come and go by the seed, and rows that are locked for a while."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from tests.chaos.sides.people import People
from tests.chaos.sides.records import CRM, MODULES

Fault = dict[str, object]
AT_ONCE = 3
WRITES = {"zoho-books": ("POST /contacts*", "PUT /contacts*"), "zoho-crm": ("POST *", "PUT *")}
CALLS: tuple[Fault, ...] = (
    {"kind": "latency", "seconds": 0.6}, {"kind": "status", "status": 503}, {"kind": "status", "status": 500}, {"kind": "reset_before"},
    {"kind": "slow_body", "seconds": 1.0}, {"kind": "truncated_body"}, {"kind": "storm_429", "count": 4},
)  # fmt: skip
# Of these only calls that write have something to lose. A slow answer of theirs comes after the webhook of what it tells.
OF_WRITES: tuple[Fault, ...] = (
    {"kind": "reset_after"}, {"kind": "half_commit", "status": 500}, {"kind": "late_commit", "seconds": 20},
    {"kind": "slow_body", "seconds": 1.5, "share": 0.7}, {"kind": "reset_after", "share": 0.5},
)  # fmt: skip
HOOKS: tuple[Fault, ...] = (
    {"kind": "webhook_late", "seconds": 15, "share": 0.4}, {"kind": "webhook_late", "seconds": 3, "share": 0.6}, {"kind": "webhook_double", "copies": 3, "share": 0.5},
    {"kind": "webhook_lost", "share": 0.3}, {"kind": "webhook_shuffle", "window": 5, "seconds": 2, "share": 0.6},
)  # fmt: skip
FORMS = ("trim", "lower_email", "bare_phone", "title_names")


@dataclass
class Weather:
    """A deck of faults, each dealt once before any is dealt again."""

    people: People
    seed: int
    met: int = 0
    """How many calls and messages were struck."""
    _deck: list[Fault] = field(default_factory=list)
    _on: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._chance = random.Random(f"weather:{self.seed}")
        self._sandbox = self.people.road.sandbox

    def begins(self) -> None:
        """What is so from the start: lists and searches lag, the CRM keeps values in forms of its own."""
        self._sandbox.post("limits", {"vendor": "zoho-books", "account": self.people.org, "list_lag_s": 5})
        self.people.sales.switch(search_lag_s=5, changed_forms=list(FORMS))

    def changes(self) -> None:
        """One fault more, and one less where there are enough; another row is locked, or none."""
        if not self._deck:
            self._deck = list(faults())
            self._chance.shuffle(self._deck)
        if len(self._on) >= AT_ONCE:
            self._lift(self._on.pop(0))
        wanted = {"share": 0.2, **self._deck.pop(), "seed": self._chance.randrange(1 << 30)}
        self._on.append(str(self._sandbox.post("faults", wanted)["id"]))
        self._lock()

    def clears(self) -> None:
        while self._on:
            self._lift(self._on.pop())
        self._unlock()

    def _lift(self, fault: str) -> None:
        listed: list[dict[str, object]] = self._sandbox.get("faults")["faults"]  # type: ignore[assignment]
        self.met += sum(int(str(one["hits"])) for one in listed if one["id"] == fault)
        self._sandbox.delete(f"faults?id={fault}")

    def _lock(self) -> None:
        self._unlock()
        there = sorted(self.people.there[CRM].found)
        if there and self._chance.randrange(3) == 0:
            self.people.locked = who = self._chance.choice(there)
            self.people.sales.people("lock", module=MODULES[who.kind], id=self.people.there[CRM].found[who].id)

    def _unlock(self) -> None:
        if (who := self.people.locked) is not None:
            self.people.sales.people("unlock", module=MODULES[who.kind], id=self.people.there[CRM].found[who].id)
            self.people.locked = None


def faults() -> list[Fault]:
    """Every one that there can be."""
    return [
        *({"vendor": vendor, **one} for vendor in WRITES for one in (*CALLS, *HOOKS)),
        *({"vendor": vendor, "route": route, **one} for vendor, routes in WRITES.items() for route in routes for one in OF_WRITES),
    ]  # fmt: skip
