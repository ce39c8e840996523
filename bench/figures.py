"""A measured figure, its bound, and the table that shows both."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """What one thing costs beside another; `bound` is the largest ratio that is accepted."""

    name: str
    base_us: float
    ours_us: float
    bound: float

    @property
    def ratio(self) -> float:
        return self.ours_us / self.base_us

    @property
    def within(self) -> bool:
        return self.ratio <= self.bound


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


def table(figures: Sequence[Figure]) -> str:
    """The figures as lines of text."""
    lines = [f"{'CPU per record':<58}{'base us':>9}{'ours us':>9}{'ratio':>7}{'bound':>7}"]
    for one in figures:
        verdict = "" if one.within else "  ABOVE THE BOUND"
        lines.append(f"{one.name:<58}{one.base_us:>9.1f}{one.ours_us:>9.1f}{one.ratio:>7.2f}{one.bound:>7.2f}{verdict}")
    return "\n".join(lines)
