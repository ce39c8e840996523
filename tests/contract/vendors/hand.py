"""A writer without a database: one record's plans, looks and calls, one after the other, as the real one makes them."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from common.contracts.messages import RecordRef
from common.failures import Failure
from common.http.call import Api
from vendors.absorbing import ActDone, Fact, Seen, ToBeSent
from vendors.acts import Act, Attempt, Done, Look, NeedFacts, Nothing, Sending, Skip, Step, Verdict, Work
from vendors.target import Target
from vendors.target_record import TargetRecord

MANY = 40


@dataclass
class Hand:
    """Holds what is known of the target records of one place; whatever changes it goes through `absorb`."""

    target: Target
    place: str
    api: Api
    known: dict[str, TargetRecord] = field(default_factory=dict)
    fresh: set[str] = field(default_factory=set)
    facts: object | None = None
    asked: set[str] = field(default_factory=set)
    capabilities: frozenset[str] = frozenset()
    sent: list[Attempt] = field(default_factory=list)
    linked: dict[RecordRef, str] = field(default_factory=dict)

    def key(self, document: Mapping[str, Any]) -> str:
        found = self.target.identify(document)
        assert found is not None
        return found.value

    def work(self, document: Mapping[str, Any], leaves: str = "") -> Work:
        """A wish `present`, or one `absent` for the record that has this key."""
        shared = {
            "known": dict(self.known), "fresh": frozenset(self.fresh), "capabilities": self.capabilities, "linked": dict(self.linked),
        }  # fmt: skip
        if leaves:
            return Work("absent", document, "", leaving=(leaves,), **shared)  # type: ignore[arg-type]
        return Work("present", document, self.key(document), **shared)  # type: ignore[arg-type]

    def planned(self, work: Work) -> Step:
        """Pure: the same again is the same, and nothing that it was given is changed."""
        before = copy.deepcopy((work, self.facts))
        step = self.target.plan(work, self.facts)
        assert step == self.target.plan(work, self.facts)
        assert (work, self.facts) == before
        return step

    def absorb(self, key: str, fact: Fact) -> None:
        """Pure, and said twice it is said once."""
        known = self.known.get(key, TargetRecord())
        before = copy.deepcopy((known, fact))
        found = self.target.absorb(known, fact).record
        assert (known, fact) == before
        assert self.target.absorb(found, fact).record == found
        self.known[key] = found

    async def look(self, *keys: str) -> Mapping[str, TargetRecord | Failure]:
        since = datetime.now(UTC)
        found = await self.target.look(self.place, keys, self.api)
        assert set(found) == set(keys)
        for key, record in found.items():
            if isinstance(record, TargetRecord):
                self.absorb(key, Seen(record, since, datetime.now(UTC)))
                self.fresh.add(key)
        return found

    async def step(self, document: Mapping[str, Any], leaves: str = "") -> Act | Nothing | Skip:
        """The next step that is no look."""
        for _ in range(MANY):
            step = self.planned(self.work(document, leaves))
            if isinstance(step, Look):
                found = await self.look(step.key)
                assert isinstance(found[step.key], TargetRecord), found
            elif isinstance(step, NeedFacts):
                if step.otherwise is not None and self.asked >= step.lacking:
                    assert isinstance(step.otherwise, Act | Nothing | Skip), step
                    return step.otherwise
                self.facts = await self.target.facts(self.place, self.api, self.facts, sorted(step.lacking))
                self.asked |= step.lacking
            else:
                assert isinstance(step, Act | Nothing | Skip), step
                return step
        raise AssertionError("the plan does not come to an end")

    async def apply(self, *acts: Act) -> Sequence[Verdict]:
        """One call; what the vendor says of each row is known afterwards."""
        for act in acts:
            self.absorb(act.key, ToBeSent(act))
            self.sent.append(self.attempt(act))
        since = datetime.now(UTC)
        answered = await self.target.apply(self.place, acts, self.facts, self.api, Sending())
        assert len(answered.verdicts) == len(acts)
        for act, verdict in zip(acts, answered.verdicts, strict=True):
            if isinstance(verdict, Done):
                self.absorb(act.key, ActDone(act, verdict, since, datetime.now(UTC)))
        self.fresh.clear()
        return answered.verdicts

    def attempt(self, act: Act) -> Attempt:
        seen = self.known.get(act.key, TargetRecord()).seen
        return Attempt(act, {path: seen[path] for path in act.values if path in seen}, datetime.now(UTC))

    def settled(self, attempt: Attempt, done: Done) -> None:
        """An outcome that a look has told."""
        self.absorb(attempt.act.key, ActDone(attempt.act, done, attempt.sent_at, datetime.now(UTC)))

    async def settle(self, document: Mapping[str, Any], leaves: str = "") -> tuple[Nothing | Skip, list[Act]]:
        """Until nothing is left to do: how it ended, and what was done."""
        done: list[Act] = []
        for _ in range(MANY):
            step = await self.step(document, leaves)
            if not isinstance(step, Act):
                return step, done
            (verdict,) = await self.apply(step)
            assert isinstance(verdict, Done), verdict
            done.append(step)
        raise AssertionError("the plan does not come to an end")
