"""What became of a document, as RFC 6902 has it: what was added, removed and replaced, by its path.

A list that differs is replaced as a whole: who reads a journal wants to see the tags, not how one list is edited into another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def patch(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The steps that make `after` of `before`, in the order of the paths."""
    steps: list[dict[str, Any]] = []
    _compare("", before, after, steps)
    return steps


def _compare(at: str, before: Mapping[str, Any], after: Mapping[str, Any], steps: list[dict[str, Any]]) -> None:
    for name in sorted(before.keys() | after.keys()):
        path = f"{at}/{name.replace('~', '~0').replace('/', '~1')}"
        if name not in after:
            steps.append({"op": "remove", "path": path})
        elif name not in before:
            steps.append({"op": "add", "path": path, "value": after[name]})
        else:
            _differing(path, before[name], after[name], steps)


def _differing(path: str, was: Any, now: Any, steps: list[dict[str, Any]]) -> None:
    if isinstance(was, dict) and isinstance(now, dict):
        _compare(path, was, now, steps)
    elif was != now:
        steps.append({"op": "replace", "path": path, "value": now})
