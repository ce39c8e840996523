"""Two vendors that people edit and that we keep in step by a pair, with everything that may go wrong on the way; and what came of it.

The judge knows the vendors' own histories and the journal, and nothing of how a pair is judged.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from common.pairs import pair as pairs
from common.pairs.merging import SIDES, Answer, Overridden, Policy, Question, Rule, SideName, other
from common.pairs.pair import Judgement, Pair, Tells, judged
from common.pairs.sides import Observation, Part

BEGAN = datetime(2026, 5, 4, 12, tzinfo=UTC)
FIELDS = ("city", "name")


def canon(value: str) -> str:
    """The value behind a vendor's normal form of it."""
    return value.rstrip(" ")


@dataclass
class Vendor:
    """One system: what it has, who wrote last, and all it ever had."""

    tells: Tells = "values"
    form: str = ""
    """+ appends a space to what is written by the API, - takes it away."""
    values: dict[str, str] = field(default_factory=lambda: dict.fromkeys(FIELDS, "0"))
    stamp: datetime = BEGAN - timedelta(seconds=5)
    by_us: bool = False
    had: dict[str, set[str]] = field(default_factory=lambda: {name: {"0"} for name in FIELDS})
    edits: list[tuple[datetime, str, str]] = field(default_factory=list)

    def put(self, values: Mapping[str, str], at: datetime, *, by_us: bool) -> None:
        self.values |= values
        self.stamp, self.by_us = at, by_us
        for name, value in values.items():
            self.had[name].add(canon(value))

    def written(self, parts: Mapping[str, Part], at: datetime) -> None:
        formed = {n: {"": p.sent, "+": canon(p.sent) + " ", "-": canon(p.sent)}[self.form] for n, p in parts.items()}
        self.put(formed, at, by_us=True)


@dataclass
class Call:
    """A request of ours: on its way, applied, or with an end that nobody saw."""

    parts: Mapping[str, Part]
    applied: Observation | None = None
    lost: bool = False


@dataclass
class TwoVendors:
    """The world."""

    chance: random.Random
    rule: Rule
    vendors: dict[SideName, Vendor]
    answers_right: bool = True
    now: datetime = BEGAN
    pair: Pair = field(default_factory=Pair)
    hooks: list[tuple[SideName, Observation]] = field(default_factory=list)
    past: list[tuple[SideName, Observation]] = field(default_factory=list)
    calls: dict[SideName, Call] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: dict[str, Question] = field(default_factory=dict)
    journal: list[Overridden] = field(default_factory=list)
    unexplained: int = 0
    writes: int = 0
    unknown: int = 0

    def __post_init__(self) -> None:
        for name in SIDES:
            self.pair = pairs.seen(self.pair, name, self.state(name))
        self.now += timedelta(seconds=1)
        self.judge()

    # --- what happens

    def edit(self, name: SideName) -> None:
        """A person writes something that nobody wrote before."""
        vendor, at = self.vendors[name], self.chance.choice(FIELDS)
        value = f"{name[0]}{len(vendor.edits)}"
        vendor.put({at: value}, self.now, by_us=False)
        vendor.edits.append((self.now, at, value))
        self.announce(name)

    def announce(self, name: SideName) -> None:
        vendor = self.vendors[name]
        hook = (name, Observation(vendor.stamp, False, dict(vendor.values), vendor.by_us))
        self.hooks.append(hook)
        self.past.append(hook)

    def state(self, name: SideName) -> Observation:
        vendor = self.vendors[name]
        return Observation(vendor.stamp, self.now > vendor.stamp, dict(vendor.values), vendor.by_us)

    def read(self, name: SideName) -> None:
        """A settled read, where the second is over."""
        if self.now > self.vendors[name].stamp and name not in self.calls:
            self.see(name, self.state(name))

    def see(self, name: SideName, what: Observation) -> None:
        self.pair = pairs.seen(self.pair, name, what)
        self.judge()

    def deliver(self, *, twice: bool = False) -> None:
        name, hook = self.hooks[self.chance.randrange(len(self.hooks))]
        if not twice:
            self.hooks.remove((name, hook))
        self.see(name, hook)

    def send(self, name: SideName) -> bool:
        parts = self.judge().writes(name)
        if name in self.calls or not parts:
            return False
        self.pair = pairs.begun(self.pair, name, parts)
        self.calls[name] = Call(parts)
        self.writes += 1
        return True

    def apply(self, name: SideName) -> None:
        call = self.calls[name]
        if call.applied is None:
            self.vendors[name].written(call.parts, self.now)
            self.announce(name)
            call.applied = Observation(self.vendors[name].stamp, False, dict(self.vendors[name].values), by_us=True)

    def answer(self, name: SideName) -> None:
        call, tells = self.calls[name], self.vendors[name].tells
        if call.lost or call.applied is None:
            return
        del self.calls[name]
        became = call.applied.values if tells == "values" else {}
        self.pair = pairs.answered(self.pair, name, call.applied.stamp, became, tells)
        self.judge()

    def lose(self, name: SideName) -> None:
        """Nobody sees the end of it; it may land until the look."""
        if not self.calls[name].lost:
            self.calls[name].lost = True
            self.unknown += 1

    def look(self, name: SideName) -> None:
        """The horizon is over: what has not landed by now never does."""
        if not self.calls[name].lost or self.now <= self.vendors[name].stamp:
            return
        del self.calls[name]
        self.pair = pairs.looked(self.pair, name, self.state(name))
        self.judge()

    def say(self) -> None:
        """A person answers a question."""
        for at, question in self.asked.items():
            self.answers[at] = Answer(*question, "right" if self.answers_right else "left")

    def judge(self) -> Judgement:
        policy = Policy(dict.fromkeys(FIELDS, self.rule), answers=self.answers)
        found = judged(self.pair, policy, lambda _, values: values)
        self.pair, self.asked = found.pair, dict(found.merged.asks)
        self.unexplained += len(found.merged.unexplained)
        self.journal += found.overridden
        return found

    # --- at random, and then quiet

    def step(self) -> None:
        name, act = self.chance.choice(SIDES), self.chance.random()
        if act < 0.2:
            self.now += timedelta(seconds=1)
        elif act < 0.35:
            self.edit(name)
        elif act < 0.55 and self.hooks:
            self.deliver(twice=self.chance.random() < 0.2)
        elif act < 0.65:
            self.read(name)
        elif act < 0.75:
            self.send(name)
        elif name in self.calls:
            self._call_goes_on(name)

    def _call_goes_on(self, name: SideName) -> None:
        way = self.chance.random()
        if way < 0.4:
            self.apply(name)
        elif way < 0.7:
            self.answer(name)
        elif way < 0.8:
            self.lose(name)
        else:
            self.look(name)

    def settle(self, most: int = 200) -> None:
        """Nobody edits any more; returns once nothing is left to do."""
        for _ in range(most):
            self.now += timedelta(seconds=1)
            while self.hooks:
                self.deliver()
            for name in SIDES:
                if name in self.calls:
                    if not self.calls[name].lost:
                        self.apply(name)
                    self.answer(name)
            self.now += timedelta(seconds=1)
            for name in SIDES:
                if name in self.calls:
                    self.look(name)
                self.read(name)
            sent = [self.send(name) for name in SIDES]
            if not any(sent) and not self.hooks and not self.calls:
                return
        raise AssertionError("it never comes to rest")

    # --- the judge

    def lost_edits(self) -> list[tuple[SideName, str, str]]:
        """Edits of which neither the vendors nor the journal know any more."""
        return [
            (name, at, value)
            for name in SIDES
            for when, at, value in self._last_edits(name)
            if at not in self.asked
            and canon(self.vendors[name].values[at]) != value
            and value not in self.vendors[other(name)].had[at]
            and not self._told(name, at, when)
        ]

    def _last_edits(self, name: SideName) -> list[tuple[datetime, str, str]]:
        """An edit that its own side has edited again is that person's own doing."""
        last = {at: (when, at, value) for when, at, value in self.vendors[name].edits}
        return list(last.values())

    def _told(self, name: SideName, at: str, when: datetime) -> bool:
        """Of two edits of one second nobody knows which was last: the journal has one of them."""
        twins = {value for then, field_, value in self.vendors[name].edits if (then, field_) == (when, at)}
        return any((o.side, o.field) == (name, at) and canon(o.value) in twins for o in self.journal)

    def apart(self) -> dict[str, tuple[str, str]]:
        """Fields that rest with different values, and nobody is asked."""
        left, right = self.vendors["left"].values, self.vendors["right"].values
        return {
            at: (left[at], right[at]) for at in FIELDS if canon(left[at]) != canon(right[at]) and at not in self.asked
        }

    def replay(self) -> list[Any]:
        """Everything that was ever seen, three times more; returns what would be written."""
        for name, hook in self.past * 3:
            self.see(name, hook)
        return [parts for name in SIDES if (parts := self.judge().writes(name))]
