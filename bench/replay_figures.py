"""What replays come to: the cost of a record, how many a core would do in a second, and how that grows with their number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise


def net_ms(used: float, start: float, records: int) -> float:
    """Milliseconds of CPU a record, without what the process burns until it is ready; what is lost in the noise is nothing."""
    return max(0.0, used - start) / max(1, records)


def a_second_and_core(costs_ms: Iterable[float]) -> float:
    """How many records a core does in a second that pass through all of these."""
    return 1000 / max(1e-6, sum(costs_ms))


def growth(sizes: Sequence[int], found: Mapping[str, float]) -> dict[str, float]:
    """How much dearer a record is among more of them: 1 is a straight line."""
    told: dict[str, float] = {}
    for few, many in pairwise(sizes):
        for name in ("changes", "commands", "listed again"):
            before, after = (found.get(f"{size:,}: {name}: cpu ms a record") for size in (few, many))
            if before and after:
                told[f"{name}: cost at {many:,} over {few:,}"] = after / before
    return told
