"""Runs in lines for people, and their records as CSV."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from millrace.moments import local

COUNTS = ("total", "added", "updated", "removed", "unchanged", "skipped", "failed", "superseded", "waiting")
WAITS = {
    "paused": "the sync is paused",
    "source": "the source's list",
    "retry": "the next try",
    "quota": "vendor quota",
    "throttled": "vendor quota",
    "exhausted": "vendor quota of the day",
    "vendor_away": "the vendor is away",
    "needs_reauth": "somebody has to connect the account again",
}
WIDTH = 80
COLUMNS = ("entity", "record", "revision", "outcome", "reason", "entered_at", "ended_at")


def history_lines(runs: Sequence[Mapping[str, Any]], *, name: str = "run") -> Iterator[str]:
    """The table of runs; `name` says by what they are called: `run` within one sync, `id` among all."""
    width = max([len(run[name]) for run in runs] + [12])
    yield f"{'Run':<{width}}  {'Started':<19}  {'Took':>8}  " + "  ".join(f"{one.capitalize():>10}" for one in COUNTS)
    for run in runs:
        counts = "  ".join(f"{run[one]:>10}" for one in COUNTS)
        yield f"{run[name]:<{width}}  {local(run['started_at'])[:19]:<19}  {took(run):>8}  {counts}{_remark(run)}"


def details_of(run: Mapping[str, Any]) -> Iterator[str]:
    """Everything about one run."""
    version = "" if run["mapping_version"] is None else f"version {run['mapping_version']}"
    labels = [
        ("run", run["id"]),
        ("sync", run["sync"]),
        ("kind", run["kind"]),
        ("state", run["state"]),
        ("started", f"{local(run['started_at'])} by {run['by'] or 'nobody'}"),
        ("finished", f"{local(run['finished_at'])}, after {took(run)}" if run["finished_at"] else "not yet"),
        ("mapping", version),
        ("read", "" if run["read"] is None else f"{run['read']}"),
        *((one, _count(run, one)) for one in COUNTS),
        ("calls", ", ".join(f"{many} {vendor}" for vendor, many in run["calls"].items())),
        ("waits for", _waits(run).removeprefix("; waits: ")),
        ("details", details_line(run["details"])),
        ("left", left_words(run).removesuffix(" left")),
    ]
    for label, value in labels:
        if value:
            yield f"{label:<10}  {value}"
    yield from books_lines(run)
    yield from reason_lines(run)
    if run["before_ledger"]:
        yield "Counted from the journal, by a release that kept no ledger; its records are not listed."


def reason_lines(run: Mapping[str, Any]) -> Iterator[str]:
    """Why records were skipped, or failed, and the next step of each: what a person does about it."""
    told = ""
    for one in run["reasons"]:
        if one["outcome"] != told:
            told = one["outcome"]
            yield f"{told.capitalize()} {run[told]}:"
        yield from _wrapped(f"{one['records']:>6}  ", f"{one['meaning']} [{one['reason']}]")
        yield from _wrapped("        -> ", one["next_step"])


def _wrapped(before: str, words: str) -> list[str]:
    return textwrap.wrap(
        words, WIDTH, initial_indent=before, subsequent_indent=" " * len(before), break_on_hyphens=False
    )


def summary_of(run: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a script wants to know of a run; whom it archived it has updated, so that the eight counts add up."""
    counts = {one: run[one] for one in COUNTS if one != "removed"}
    counts["updated"] += run["removed"]
    return {"run": run["id"], "state": run["state"], "counts": counts, "calls": run["calls"], "seconds": run["seconds"]}


def progress_line(run: Mapping[str, Any]) -> str:
    """How far a run is, on one line."""
    many = how_many(run)
    if many is None:
        told = f"at least {run['total']} records, {run['waiting']} still to write" if run["total"] else "begins"
    else:
        told = f"{run['total'] - run['waiting']} of {many_words(run)} records have their end"
    left = left_words(run)
    more = f"; {details_line(run['details'])}" if run["details"] else ""
    return f"{run['id']}: {told}{left and f', {left}'}{_waits(run)}{more}"


def details_line(found: Mapping[str, Any] | None) -> str:
    """What is read one by one after a run has listed it, and how long that takes."""
    if found is None:
        return ""
    day = f", {found['a_day']} a day" if found["a_day"] is not None else ""
    return f"{found['awaited']} records are still to be read one by one{day}: about {duration(found['seconds_left'])}"


def how_many(run: Mapping[str, Any]) -> int | None:
    """The records of a run, or about as many; None while its source is listed and nobody knows."""
    total, read, expected = int(run["total"]), run["read"], run["expected"]
    if read is None and run["state"] == "Reading":
        return None if expected is None else max(total, int(expected))
    return max(total, int(read or 0))


def many_words(run: Mapping[str, Any]) -> str:
    """How many there are, and whether that is certain."""
    about = run["expected"] is not None and run["read"] is None and run["state"] == "Reading"
    return f"about {how_many(run)}" if about else f"{how_many(run)}"


def left_words(run: Mapping[str, Any]) -> str:
    """How long it will take."""
    return f"about {duration(max(1.0, run['seconds_left']))} left" if run["seconds_left"] is not None else ""


def counts_line(run: Mapping[str, Any]) -> str:
    """How many have ended how, and what the others wait for."""
    ended = [f"{one} {run[one]}" for one in COUNTS if one not in ("total", "waiting") and run[one]]
    return f"{', '.join(ended)}{_waits(run)}".removeprefix("; ")


def _waits(run: Mapping[str, Any]) -> str:
    """Why nothing moves."""
    found = run["waits_for"]
    if found is None:
        return ""
    why = WAITS.get(found["reason"], found["reason"].replace("_", " "))
    return f"; waits: {why}" + (f", until {local(found['until'])[11:19]}" if found["until"] else "")


def record_lines(records: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """One line for each record."""
    for one in records:
        reason = f"  {one['reason']}" if one["reason"] else ""
        yield f"{one['entity']}/{one['record']}  revision {one['revision']}  {one['outcome']}  {local(one['ended_at'])}{reason}"


def took(run: Mapping[str, Any]) -> str:
    """How long it took, short enough for a column."""
    return "-" if run["seconds"] is None else duration(run["seconds"])


def duration(given: float) -> str:
    """Seconds, minutes or hours."""
    seconds = round(given)
    days, hours, minutes = seconds // 86_400, seconds // 3600, seconds // 60 % 60
    if days > 1:
        return f"{days} days"
    return f"{hours} h {minutes} m" if hours else f"{minutes} m {seconds % 60} s" if minutes else f"{seconds} s"


def _count(run: Mapping[str, Any], outcome: str) -> str:
    reasons = {"skipped": run["skipped_by_reason"], "failed": run["failed_by_code"]}.get(outcome, {})
    why = ", ".join(f"{count} {reason}" for reason, count in reasons.items())
    return f"{run[outcome]}" + (f" ({why})" if why else "")


def books_lines(run: Mapping[str, Any]) -> list[str]:
    """Whether every record that was read, or let in, is in one of the counts."""
    if run["closes"]:
        ends = [f"{run[one]} {one}" for one in COUNTS if one != "total" and run[one]]
        return textwrap.wrap(f"The books close: {run['total']} = {' + '.join(ends) or '0'}.", WIDTH)
    return [f"{run['unaccounted']} records are not accounted for: see their timelines."]


def _remark(run: Mapping[str, Any]) -> str:
    if not run["closes"]:
        return f"  {run['unaccounted']} records are not accounted for: see their timelines"
    return "  counted from the journal" if run["before_ledger"] else ""
