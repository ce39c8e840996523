"""The documents of runs."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from common.codes import CODES
from common.contracts.outcomes import EXPLAINED, Explained, SkipReason
from console.api.paging import cursor_of
from console.state.runs import RunRecord
from console.use_cases.runs import RunPage, ShownRun


class RunWait(BaseModel):
    """Why nothing moves: `paused`, `quota` (nothing of ours is left for now), `source` (a list call failed), `retry`, or the reason of a gate
    (`throttled`, `needs_reauth`, ...)."""

    reason: str
    until: datetime | None


class RunDetails(BaseModel):
    """Records that are written as far as their list tells of them; the rest is read one by one, and written as live changes."""

    awaited: int
    a_day: int | None = Field(description="How many of them a day has room for; null where the vendor counts no days.")
    seconds_left: float = Field(description="About how long it takes until all of them are read.")


class RunReason(BaseModel):
    """Why so many records were skipped, or failed, and what to do next."""

    outcome: str = Field(description="skipped or failed.")
    reason: str = Field(description="A skip reason or an error code.")
    records: int
    meaning: str
    next_step: str


class RunDocument(BaseModel):
    """One run: a reading of the source, a mapping version over what was stored, a day (UTC) of live changes, a sync that was switched off or on."""

    id: str
    sync: str
    run: str = Field(description="Its name within the sync.")
    kind: str
    state: str = Field(
        description="Reading, Writing, Completed, Completed with errors, Stopped (its sync was disabled)."
    )
    by: str
    mapping_version: int | None
    started_at: datetime
    finished_at: datetime | None
    seconds: float | None = Field(description="How long it took; null while it runs.")
    read: int | None = Field(
        description="How many records the source listed for it; null where it reads none, or has not come to the end."
    )
    expected: int | None = Field(
        description="About how many records there will be, while a source is listed; null when that is known, or nobody can tell."
    )
    total: int = Field(description="Distinct records read; of live changes, the changes.")
    added: int
    updated: int
    removed: int
    unchanged: int
    skipped: int = Field(description="Did not meet the rules that were set.")
    failed: int = Field(description="Tried, and could not be written.")
    superseded: int
    waiting: int
    unaccounted: int = Field(description="Read, and nobody knows how they ended: always 0 unless something was lost.")
    closes: bool
    skipped_by_reason: dict[str, int]
    failed_by_code: dict[str, int]
    reasons: list[RunReason] = Field(description="Both of them with their words: what was skipped, then what failed.")
    calls: dict[str, int] = Field(
        description="Lists, looks and writes that its records have cost, by vendor; of live changes they are not counted."
    )
    waits_for: RunWait | None
    details: RunDetails | None = Field(description="Null when none of its records is still to be read.")
    seconds_left: float | None = Field(
        description="How long it will take, if it goes on as until now; null when it is over or nobody can tell."
    )
    before_ledger: bool = Field(description="Counted from the journal by a release that kept no ledger.")


class HistoryDocument(BaseModel):
    """Runs of a sync, newest first."""

    items: list[RunDocument]
    since: datetime | None = Field(description="Every run since then is told.")
    next_cursor: str | None


class RunList(BaseModel):
    """Runs of all syncs, newest first."""

    items: list[RunDocument]
    next_cursor: str | None


class RunRecordDocument(BaseModel):
    """One record of a run; of live changes, one change."""

    entity: str
    record: str
    revision: int
    outcome: str
    reason: str
    entered_at: datetime
    ended_at: datetime | None


class RunRecordList(BaseModel):
    """Records of a run, by outcome. What needed nothing is counted, and not listed."""

    items: list[RunRecordDocument]
    next_cursor: str | None


def run_document(one: ShownRun) -> RunDocument:
    """The run."""
    finished = one.finished_at
    return RunDocument(
        id=one.row.id, sync=one.row.sync_name, run=one.name, kind=one.row.kind, state=one.state, by=one.row.started_by,
        mapping_version=one.row.mapping_version, started_at=one.row.started_at, finished_at=finished,
        seconds=None if finished is None else max(0.0, (finished - one.row.started_at).total_seconds()),
        read=one.read, expected=one.expected, total=one.total, **one.counts, unaccounted=one.unaccounted, closes=one.closes,
        skipped_by_reason=one.reasons("skipped"), failed_by_code=one.reasons("failed"), reasons=_reasons(one),
        before_ledger=one.row.before_ledger,
        calls=dict(one.calls), seconds_left=one.seconds_left,
        waits_for=RunWait(reason=one.wait.reason, until=one.wait.until) if one.wait else None, details=_details(one),
    )  # fmt: skip


def _details(one: ShownRun) -> RunDetails | None:
    found = one.details
    return RunDetails(awaited=found.calls, a_day=found.a_day, seconds_left=found.seconds) if found else None


def _reasons(one: ShownRun) -> list[RunReason]:
    return [
        RunReason(outcome=outcome, reason=reason, records=many, meaning=words.meaning, next_step=words.next_step)
        for outcome in ("skipped", "failed")
        for reason, many in one.reasons(outcome).items()
        for words in [_explained(reason)]
    ]


def _explained(reason: str) -> Explained:
    """In the words of its register; a ledger may hold a code of a release that is gone."""
    if reason in EXPLAINED:
        return EXPLAINED[SkipReason(reason)]
    code = CODES.get(reason)
    return Explained(code.meaning, code.action) if code is not None else Explained("", "")


def history_document(page: RunPage) -> HistoryDocument:
    """A sync's runs."""
    return HistoryDocument(
        items=[run_document(one) for one in page.items], since=page.since, next_cursor=cursor_of(page.after)
    )


def run_list(page: RunPage) -> RunList:
    """Runs of all syncs."""
    return RunList(items=[run_document(one) for one in page.items], next_cursor=cursor_of(page.after))


def run_record_document(one: RunRecord) -> RunRecordDocument:
    """The record."""
    place = one.place
    return RunRecordDocument(
        entity=place.entity, record=place.record, revision=place.revision, outcome=place.outcome, reason=one.reason,
        entered_at=one.entered_at, ended_at=one.ended_at,
    )  # fmt: skip
