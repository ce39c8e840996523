"""What a run will cost before anybody starts it: calls by vendor, and how long these take at least."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from common.contracts.syncs import Leg
from common.http.day_share import calls_take_s
from console.use_cases.leg_drafting import End
from mapper.preview_target import CallGroup


@dataclass(frozen=True, slots=True)
class RunPlan:
    """An estimate: who is met at the target without our having known of it costs a look more."""

    calls: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    """As the vendors' limits have it."""

    def __add__(self, other: RunPlan) -> RunPlan:
        """One after the other."""
        return RunPlan(dict(Counter(self.calls) + Counter(other.calls)), self.seconds + other.seconds)


def run_plan(
    leg: Leg, reads: End, writes: End, read_calls: int, acts: Mapping[CallGroup, int], now: datetime
) -> RunPlan:
    """Of one leg."""
    written = sum(_calls(leg, writes, group, many) for group, many in acts.items())
    calls = Counter[str]({reads.vendor.name: read_calls}) + Counter[str]({writes.vendor.name: written})
    seconds = sum(
        calls_take_s(many, end.vendor.profile.limits(end.connection))
        for end, many in ((reads, read_calls), (writes, written))
    )
    return RunPlan(dict(calls), seconds)


def _calls(leg: Leg, writes: End, group: CallGroup, many: int) -> int:
    """Together where they share a call; handed in and asked for once where the vendor carries them out by itself."""
    deferred = writes.vendor.targets[leg.target_entity].deferred
    if group.later and deferred is not None and many >= deferred.least:
        return 2 * -(-many // deferred.most)
    return -(-many // group.most)
