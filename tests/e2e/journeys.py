"""How long changes took from the source's API to the target's, by the sandbox's own stamps, and what of it was ours."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from tests.e2e.road import Mark, Road
from tests.e2e.vendors import hash_of


@dataclass(frozen=True)
class Journey:
    """One change, in nanoseconds of one monotonic clock."""

    posted: int
    answered: int
    """Our gateway answered the webhook."""
    called: int
    """The first byte of our first call for it arrived at the target."""
    applied: int

    @property
    def total_ms(self) -> float:
        return (self.applied - self.posted) / 1e6

    @property
    def own_ms(self) -> float:
        return (self.called - self.answered) / 1e6


def journeys(road: Road, since: Mark, emails: Mapping[str, Sequence[str]]) -> list[Journey]:
    """One for each record; `emails` names its addresses, of which the last is the one that it must have now."""
    posted = _posted(road, since)
    answered = _answered(road, since)
    calls = [(one["mono_ns"], _members(one), one) for one in road.calls_of(since)]
    found = []
    for record, addresses in emails.items():
        its = {hash_of(email) for email in addresses}
        touching = [(at, call) for at, members, call in calls if its & members and at > posted[record]]
        wanted = hash_of(addresses[-1])
        applied = [at for at, call in touching if any(a["id"] == wanted and a["op"] != "noop" for a in call["applied"])]
        assert applied, f"nothing was applied for {addresses[-1]}"
        found.append(Journey(posted[record], answered[record], touching[0][0], applied[0]))
    return found


def _posted(road: Road, since: Mark) -> dict[str, int]:
    changes = [one for one in road.calls_of(since, "zoho-books", operator=True) if one["method"] != "GET"]
    return {applied["id"]: one["mono_ns"] for one in changes for applied in one["applied"]}


def _answered(road: Road, since: Mark) -> dict[str, int]:
    listed: Any = road.sandbox.get("deliveries", since=since.deliveries)["deliveries"]
    found: dict[str, int] = {}
    for one in listed:
        if one["vendor"] == "zoho-books" and one["status"] == 200:
            found.setdefault(orjson.loads(one["body"])["contact"]["contact_id"], one["answered_mono_ns"])
    return found


def _members(call: Mapping[str, Any]) -> set[str]:
    """Whom a call is about."""
    in_path = {part for part in call["path"].split("/") if len(part) == 32}
    return in_path | {applied["id"] for applied in call["applied"]}


def p50(values: Sequence[float]) -> float:
    return statistics.median(values)


def p95(values: Sequence[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


def table(rows: Mapping[str, Sequence[Journey]]) -> str:
    """What a person reads in the test's output."""
    lines = [f"{'':16}{'n':>5}{'total p50':>12}{'p95':>9}{'worst':>9}{'own p50':>12}{'p95':>9}{'worst':>9}  (ms)"]
    for name, found in rows.items():
        total, own = [one.total_ms for one in found], [one.own_ms for one in found]
        figures = (p50(total), p95(total), max(total), p50(own), p95(own), max(own))
        widths = (12, 9, 9, 12, 9, 9)
        shown = "".join(f"{figure:>{width}.1f}" for figure, width in zip(figures, widths, strict=True))
        lines.append(f"{name:16}{len(found):>5}{shown}")
    return "\n".join(lines)
