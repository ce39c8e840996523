"""A table of what was measured beside its goal and its moonshot, and beside an earlier run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

NAMES_AT_LEAST = 30


@dataclass(frozen=True)
class Goal:
    """One figure by its name, and what it has to be; one without a bound is shown and judged by nobody."""

    name: str
    at_most: float | None = None
    at_least: float | None = None
    moonshot: float | None = None
    """What it would be if everything that was measured apart went together; judged by nobody."""

    def met(self, found: Mapping[str, float]) -> bool:
        """What was not measured has met no bound."""
        value = found.get(self.name)
        if value is None:
            return self.at_most is None and self.at_least is None
        return not (
            (self.at_most is not None and value > self.at_most) or (self.at_least is not None and value < self.at_least)
        )

    @property
    def shown(self) -> str:
        if self.at_most is not None:
            return f"<= {self.at_most:g}"
        return f">= {self.at_least:g}" if self.at_least is not None else ""


def compared(goals: Sequence[Goal], found: Mapping[str, float], before: Mapping[str, float]) -> str:
    """Lines of text; what no goal names comes after the goals."""
    named = {goal.name for goal in goals}
    rows = [*goals, *(Goal(name) for name in found if name not in named)]
    shown = [goal for goal in rows if goal.name in found or not goal.met(found)]
    width = max([NAMES_AT_LEAST, *(len(goal.name) + 1 for goal in shown)])
    head = f"{'':<{width}}{'goal':>10}{'moonshot':>10}{'found':>11}" + (
        f"{'before':>11}{'change':>9}" if before else ""
    )
    return "\n".join([head, *(f"{goal.name:<{width}}{_row(goal, found, before)}" for goal in shown)])


def _row(goal: Goal, found: Mapping[str, float], before: Mapping[str, float]) -> str:
    value, was = found.get(goal.name), before.get(goal.name)
    moonshot = "" if goal.moonshot is None else f"{goal.moonshot:g}"
    row = f"{goal.shown:>10}{moonshot:>10}{'-' if value is None else f'{value:.2f}':>11}"
    if was is not None and value is not None:
        row += f"{was:>11.2f}{f'{(value / was - 1) * 100:+.0f} %' if was else '':>9}"
    return row if goal.met(found) else f"{row}  MISSED"
