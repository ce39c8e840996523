"""A table of what was measured beside its goal, and beside an earlier run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """One figure by its name, and what it has to be; one without a bound is shown and judged by nobody."""

    name: str
    at_most: float | None = None
    at_least: float | None = None

    def met(self, found: Mapping[str, float]) -> bool:
        value = found.get(self.name)
        if value is None:
            return False
        return not (
            (self.at_most is not None and value > self.at_most) or (self.at_least is not None and value < self.at_least)
        )

    @property
    def shown(self) -> str:
        if self.at_most is not None:
            return f"<= {self.at_most:g}"
        return f">= {self.at_least:g}" if self.at_least is not None else ""


def compared(goals: Sequence[Goal], found: Mapping[str, float], before: Mapping[str, float]) -> str:
    """Lines of text."""
    lines = [f"{'':<30}{'goal':>10}{'found':>10}" + (f"{'before':>10}{'change':>9}" if before else "")]
    for goal in goals:
        value = found.get(goal.name)
        if value is None:
            continue
        line = f"{goal.name:<30}{goal.shown:>10}{value:>10.2f}"
        if (was := before.get(goal.name)) is not None:
            change = f"{(value / was - 1) * 100:+.0f} %" if was else ""
            line += f"{was:>10.2f}{change:>9}"
        lines.append(line + ("" if goal.met(found) else "  MISSED"))
    return "\n".join(lines)
