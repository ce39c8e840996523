"""Reconciliations in lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from millrace.moments import local

_STATES = {"wanted": "begins", "listing": "is comparing", "repairing": "hands over what differs"}


def reconciliation_lines(name: str, compared: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What each leg came to."""
    for one in compared:
        yield f"{name}, {one['leg']}: {result_of(name, one)}"
        for field, many in one["fields"].items():
            yield f"  {field}: {many}"


def result_of(name: str, one: Mapping[str, Any]) -> str:
    """The last reconciliation of a leg in one line; empty where there was none."""
    if one["ended_at"] is None:
        return f"not compared yet; the first time {local(one['next_at'])}"
    words = [f"{one['records']} compared", f"{one['drifted']} drifted"]
    words += [f"{one[kind]} {label}" for kind, label in _BESIDES if one[kind]]
    question = ""
    if one["state"] == "asked":
        question = f"; nothing was repaired, it is more than {one['cap']} (millrace sync reconcile {name} --repair)"
    return f"{', '.join(words)}{question}; {local(one['ended_at'])}"


def waiting_line(compared: Sequence[Mapping[str, Any]]) -> str:
    """What is waited for."""
    return "; ".join(
        f"{one['leg']} {_STATES.get(one['state'], 'is written')}{': ' + one['words'] if one['words'] else ''}"
        for one in compared
        if one["state"] in _STATES or one["waiting"]
    )


_BESIDES = (
    ("missing", "missing"),
    ("superfluous", "there though we had left them"),
    ("moved", "changed meanwhile"),
    ("repaired", "repaired"),
    ("left_alone", "left alone by the rules"),
    ("failed", "failed"),
    ("waiting", "still being written"),
)
