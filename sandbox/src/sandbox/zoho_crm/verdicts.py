"""The answer to a write: one entry for each row, and the status that sums them up (sheet, section 2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sandbox.zoho_crm.call import Reply
from sandbox.zoho_crm.refusals import Document, RowRefusal

Judge = Callable[[Any, str], Document]


def success(message: str, details: Document, **more: object) -> Document:
    return {"code": "SUCCESS", **more, "details": details, "message": message, "status": "success"}


def judged(rows: Iterable[Any], judge: Judge, good: int = 200, key: str = "data") -> Reply:
    """Each row for itself, in order: a refused one keeps no other from being written."""
    entries, statuses = [], []
    for at, row in enumerate(rows):
        try:
            entries.append(judge(row, f"$.{key}[{at}]"))
            statuses.append(good)
        except RowRefusal as wrong:
            entries.append(wrong.document())
            statuses.append(wrong.status)
    return Reply(summed(statuses, good), {key: entries})


def summed(statuses: list[int], good: int) -> int:
    """All good, mixed (207), or all refused: their common status, 400 when they have none."""
    kinds = set(statuses)
    if kinds == {good}:
        return good
    if good in kinds:
        return 207
    return statuses[0] if len(kinds) == 1 else 400
