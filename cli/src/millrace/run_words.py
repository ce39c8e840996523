"""Runs in lines for people, and their records as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from millrace.moments import local

COUNTS = ("total", "added", "updated", "removed", "unchanged", "skipped", "failed", "superseded", "waiting")
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
        *((one, _count(run, one)) for one in COUNTS),
    ]
    for label, value in labels:
        if value:
            yield f"{label:<10}  {value}"
    yield _books(run)
    if run["before_ledger"]:
        yield "Counted from the journal, by a release that kept no ledger; its records are not listed."


def summary_of(run: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a script wants to know of a run."""
    counts = {one: run[one] for one in COUNTS}
    return {"run": run["id"], "state": run["state"], "counts": counts, "seconds": run["seconds"]}


def progress_line(run: Mapping[str, Any]) -> str:
    """How far a run is, on one line."""
    if run["state"] == "Reading":
        return f"{run['id']}: {run['total']} records read, {run['waiting']} still to be written"
    return f"{run['id']}: {run['total'] - run['waiting']} of {run['total']} records have their end"


def record_lines(records: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """One line for each record."""
    for one in records:
        reason = f"  {one['reason']}" if one["reason"] else ""
        yield f"{one['entity']}/{one['record']}  revision {one['revision']}  {one['outcome']}  {local(one['ended_at'])}{reason}"


def csv_text(records: Iterable[Mapping[str, Any]]) -> str:
    """A table that opens well: with its header, and no cell that a spreadsheet would take for a formula."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for one in records:
        writer.writerow([_cell(one[name]) for name in COLUMNS])
    return text.getvalue()


def took(run: Mapping[str, Any]) -> str:
    """How long it took, short enough for a column."""
    if run["seconds"] is None:
        return "-"
    seconds = round(run["seconds"])
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours} h {minutes} m" if hours else f"{minutes} m {seconds % 60} s" if minutes else f"{seconds} s"


def _count(run: Mapping[str, Any], outcome: str) -> str:
    reasons = {"skipped": run["skipped_by_reason"], "failed": run["failed_by_code"]}.get(outcome, {})
    why = ", ".join(f"{count} {reason}" for reason, count in reasons.items())
    return f"{run[outcome]}" + (f" ({why})" if why else "")


def _books(run: Mapping[str, Any]) -> str:
    if run["closes"]:
        return "The books close: every record that entered is in one of the counts."
    return f"{run['unaccounted']} records are not accounted for: see their timelines."


def _remark(run: Mapping[str, Any]) -> str:
    if not run["closes"]:
        return f"  {run['unaccounted']} records are not accounted for: see their timelines"
    return "  counted from the journal" if run["before_ledger"] else ""


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
