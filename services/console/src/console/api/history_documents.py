"""The document of a sync's history."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from console.use_cases.history import Told


class RunDocument(BaseModel):
    """One run: a mapping version over what was stored, or a day (UTC) of live changes."""

    kind: str
    run: str
    by: str
    started_at: datetime
    finished_at: datetime | None
    total: int = Field(description="Distinct records read.")
    added: int
    updated: int
    unchanged: int
    skipped: int = Field(description="Did not meet the rules that were set.")
    failed: int = Field(description="Tried, and could not be written.")
    superseded: int
    waiting: int
    unaccounted: int = Field(description="Read, and nobody knows how they ended: always 0 unless something was lost.")
    closes: bool


class HistoryDocument(BaseModel):
    """Runs, newest first."""

    items: list[RunDocument]
    since: datetime = Field(
        description="Every run since then is told; for a very large sync this is less than ninety days ago."
    )


def history_document(told: Told) -> HistoryDocument:
    """The runs."""
    named = ("kind", "run", "by", "started_at", "finished_at", "total", "closes")
    return HistoryDocument(
        items=[RunDocument(**{name: getattr(one, name) for name in named}, **one.counts) for one in told.runs],
        since=told.since,
    )
