"""What one thing costs beside another, and how large the ratio may be."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bench.rows import Goal


@dataclass(frozen=True)
class Figure:
    """What one thing costs beside another; `bound` is the largest ratio that is accepted."""

    name: str
    base_us: float
    ours_us: float
    bound: float
    moonshot: float | None = None

    @property
    def ratio(self) -> float:
        return self.ours_us / self.base_us


async def cpu_us(work: Callable[[], Awaitable[int]]) -> float:
    """CPU microseconds of this whole process (all threads) for each record that `work` says it did."""
    began = time.process_time()
    done = await work()
    return (time.process_time() - began) / done * 1e6


async def least(rounds: int, *works: Callable[[], Awaitable[float]]) -> list[float]:
    """The least of several rounds for each, in turn: what disturbs the machine disturbs all of them alike."""
    seen: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, values in zip(works, seen, strict=True):
            values.append(await work())
    return [min(values) for values in seen]


def rows(figures: Sequence[Figure]) -> tuple[list[Goal], dict[str, float]]:
    """The figures as rows of the table that every part has: each ratio with its bound, and what it was made of."""
    goals = [Goal(one.name, at_most=one.bound, moonshot=one.moonshot) for one in figures]
    found = {one.name: one.ratio for one in figures}
    for one in figures:
        found |= {f"{one.name}, us of it": one.base_us, f"{one.name}, us of ours": one.ours_us}
    return goals, found
