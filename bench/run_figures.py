"""What the looks at a run come to: how long it took beside what the vendor allows, and whether the time left that it told was true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PER_PAGE, PER_CALL = 200, 500
A_MINUTE = 100
# The last tenth is a few seconds, and a share of those says nothing.
JUDGED_UNTIL = 0.9


@dataclass(frozen=True)
class Sample:
    """One look, so many seconds after the run began."""

    at: float
    total: int
    ended: int
    left: float | None
    """The seconds left that it told."""

    @classmethod
    def of(cls, run: Mapping[str, Any], at: float) -> Sample:
        return cls(at, run["total"], run["total"] - run["waiting"], run["seconds_left"])

    def words(self, many: int, wait: Mapping[str, Any] | None) -> str:
        left = "" if self.left is None else f", {self.left:.0f} s left as it says"
        return f"{self.total} of {many} judged, {self.ended} ended{left}" + (
            f", waits: {wait['reason']}" if wait else ""
        )


def nothing_else_happens(run: Mapping[str, Any]) -> bool:
    """Of a run that waits: a quota holds up its listing alone, and what was judged goes on; a retry is told of once all of them wait."""
    reason = run["waits_for"]["reason"]
    return reason == "retry" or (reason == "quota" and not run["waiting"])


def vendor_bound_s(customers: int, a_minute: int = A_MINUTE) -> float:
    """The least that the list takes by the vendor's limit, evenly spread: so many pages at so many calls a minute."""
    return -(-customers // PER_PAGE) * 60.0 / a_minute


def quota_binds(customers: int, a_minute: int = A_MINUTE) -> bool:
    """Whether there are more pages than a minute has calls; fewer are bound by nothing but their latency."""
    return -(-customers // PER_PAGE) > a_minute


def pace(customers: int, seconds: float) -> dict[str, float]:
    """How long it took."""
    bound = vendor_bound_s(customers)
    return {
        "minutes": seconds / 60,
        "minutes the vendor allows": bound / 60,
        "times the vendor's bound": seconds / bound,
        "records a second": customers / seconds,
    }


def time_left(samples: Sequence[Sample], seconds: float) -> dict[str, float]:
    """Of what it told was left: from when on, and by how much of the true rest it was wrong. Nothing where it told nothing."""
    told = [(one.at, abs(one.left / (seconds - one.at) - 1)) for one in samples if one.left and one.at < seconds]
    if not told:
        return {}
    judged = [wrong for at, wrong in told if at <= JUDGED_UNTIL * seconds] or [told[0][1]]
    return {
        "time left: told from, % of the time": told[0][0] / seconds * 100,
        "time left: error of the first, %": told[0][1] * 100,
        "time left: mean error, %": sum(judged) / len(judged) * 100,
        "time left: largest error, %": max(judged) * 100,
    }
