"""Faults on demand: what happens to a request besides, or instead of, what it asks for."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

KINDS = (
    "ghost",  # applied, and the connection is cut
    "half",  # the first half of its rows is applied, and the connection is cut
    "late",  # the connection is cut, and it is applied after `seconds`
    "lost",  # the connection is cut, and nothing is applied
    "broken",  # applied, and answered with a whole 500
    "failed",  # not applied, and answered with a whole 500
    "throttled",  # not applied, and answered with 429
    "slow",  # answered after `seconds`
)


@dataclass
class Fault:
    """One kind of trouble: on which route (`write`, `find`, `read`, `*`), how often, how many times at most."""

    kind: str
    route: str = "write"
    entity: str = "*"
    share: float = 1.0
    seconds: float = 1.0
    times: int = 1_000_000
    seed: int = 1
    _chance: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        assert self.kind in KINDS, self.kind
        self._chance = random.Random(self.seed)

    def strikes(self, route: str, entity: str) -> bool:
        if self.times < 1 or self.route not in ("*", route) or self.entity not in ("*", entity):
            return False
        if self._chance.random() >= self.share:
            return False
        self.times -= 1
        return True


@dataclass
class Faults:
    """Those that are on; the first that strikes counts."""

    on: list[Fault] = field(default_factory=list)

    def strike(self, route: str, entity: str) -> Fault | None:
        return next((one for one in self.on if one.strikes(route, entity)), None)
