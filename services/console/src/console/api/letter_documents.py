"""The documents of dead letters."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints

from common.bus.record import RawRecord
from common.bus.shown import shown
from common.redaction import redact_text
from common.state.dead_letters import StoredLetter
from console.api.documents import Body, Word
from console.api.paging import cursor_of
from console.masking import masked_tree
from console.state.letters import LetterGroup
from console.use_cases.letter_choice import LetterWish, Waiting
from console.use_cases.letter_steps import STEP, LetterStep
from console.use_cases.letters import MOST_COUNTED, LetterPlan, meaning_of

LetterId = Annotated[str, StringConstraints(min_length=1, max_length=400, pattern=r"^[^\x00-\x1f\x7f]+$")]


class LettersBody(Body):
    """Which letters: ids, or what they have in common."""

    ids: Annotated[list[LetterId], Field(max_length=1000)] = Field(default_factory=list)
    code: Word = ""
    sync: Word = ""
    topic: Word = ""
    dry_run: bool = Field(False, description="Only say what would be done to all of them.")
    limit: Annotated[int, Field(ge=1, le=1000, description="How many one step acts on; ids are one step.")] = STEP
    cursor: Annotated[str, Field(max_length=4000)] = ""

    def wish(self) -> LetterWish:
        return LetterWish(self.ids, self.code, self.sync, self.topic)


class DiscardBody(LettersBody):
    """The same, with why."""

    reason: Annotated[str, StringConstraints(max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""


class LetterGroupDocument(BaseModel):
    """All that waits for the same reason."""

    code: str
    meaning: str
    action: str
    retry_safe: bool
    records: int
    messages: int
    work: int
    syncs: list[str]
    first_at: datetime
    last_at: datetime


class GroupsDocument(BaseModel):
    """Groups, the largest first."""

    items: list[LetterGroupDocument]


class LetterDocument(BaseModel):
    """One record that waits for a person: `message` (a consumer could not handle it) or `work` (a target did not take it)."""

    id: str
    kind: str
    state: str
    code: str
    failure: str
    stage: str
    message: str
    action: str
    where: str
    sync: str
    entity: str
    record: str
    attempts: int
    first_at: datetime | None
    last_at: datetime | None
    vendor_status: int | None
    vendor_code: str
    vendor_words: str
    vendor_request_id: str
    trace_id: str
    looks: int = Field(0, description="Of a record on hold: looks that failed in a row.")
    next_look_at: datetime | None = Field(None, description="Of a record on hold: when it is looked at.")


class LetterDetail(LetterDocument):
    """The same with what it holds: the original record, or the document that was to be written."""

    content: dict[str, Any]


class LetterList(BaseModel):
    """The newest first."""

    items: list[LetterDocument]
    total: int = Field(description=f"How many there are; counted up to {MOST_COUNTED}.")
    next_cursor: str | None = None


class OutcomeDocument(BaseModel):
    """What became of one record."""

    id: str
    outcome: str = Field(description="`retried`, `discarded`, or `not_open`: somebody else was quicker.")


class PlanDocument(BaseModel):
    """With `dry_run` what an act would do to all of them; else what this step did, and where the next one begins."""

    dry_run: bool
    records: int
    messages: int = Field(description="Sent to their topics again.")
    work: int = Field(description="Opened again with their newest wish; about as many calls at the vendor.")
    superseded: int = Field(
        description="Of the messages, those of which something newer is known: they change nothing."
    )
    outcomes: list[OutcomeDocument] = Field(default_factory=list)
    next_cursor: str | None = Field(None, description="Ask again with it; without one all of them are done.")


def groups_document(found: Sequence[LetterGroup]) -> GroupsDocument:
    """Groups with the meaning of their codes."""
    return GroupsDocument(items=[_group(one) for one in found])


def letter_document(one: Waiting, *, unmask: bool) -> LetterDocument:
    """One of a list."""
    return LetterDocument(**_fields(one, unmask=unmask))


def letter_detail(one: Waiting, *, unmask: bool) -> LetterDetail:
    """One with its content."""
    return LetterDetail(**_fields(one, unmask=unmask), content=_content(one, unmask=unmask))


def plan_document(plan: LetterPlan) -> PlanDocument:
    """What would be done."""
    return PlanDocument(
        dry_run=True, records=plan.total, messages=plan.messages, work=plan.work, superseded=plan.superseded
    )


def step_document(step: LetterStep) -> PlanDocument:
    """What was done."""
    return PlanDocument(
        dry_run=False, records=step.total, messages=step.messages, work=step.work, superseded=step.superseded,
        outcomes=[OutcomeDocument(id=one.id, outcome=one.outcome) for one in step.outcomes], next_cursor=cursor_of(step.after),
    )  # fmt: skip


def _group(one: LetterGroup) -> LetterGroupDocument:
    meaning, action, safe = meaning_of(one.code)
    return LetterGroupDocument(
        code=one.code, meaning=meaning, action=action, retry_safe=safe, records=one.records, messages=one.messages, work=one.work,
        syncs=list(one.syncs), first_at=one.first_at, last_at=one.last_at,
    )  # fmt: skip


def _fields(one: Waiting, *, unmask: bool) -> dict[str, Any]:
    parts = _of_message(one) if isinstance(one, StoredLetter) else _of_work(one)
    words = str(parts["vendor_words"])
    return parts | {
        "action": meaning_of(str(parts["code"]))[1],
        "vendor_words": words if unmask else redact_text(words),
    }


def _of_message(one: StoredLetter) -> dict[str, Any]:
    letter = one.letter
    first, _, rest = (letter.key or b"").decode("utf-8", "backslashreplace").partition(":")
    entity, _, record = rest.partition(":")
    return {
        "id": str(one.id), "kind": "message", "state": one.state, "code": letter.code, "failure": letter.kind.value,
        "stage": letter.stage, "message": letter.message, "where": f"{letter.topic}/{letter.partition}@{letter.offset}",
        "sync": first if letter.topic.startswith("commands.") else "", "entity": entity, "record": record,
        "attempts": one.attempts, "first_at": one.first_at, "last_at": letter.at, "vendor_status": letter.vendor_status,
        "vendor_code": letter.vendor_code, "vendor_words": letter.vendor_words,
        "vendor_request_id": letter.vendor_request_id, "trace_id": letter.trace_id,
    }  # fmt: skip


def _of_work(one: Any) -> dict[str, Any]:
    same = ("id", "state", "code", "message", "sync", "entity", "record", "attempts", "first_at", "last_at", "vendor_status",
            "vendor_code", "vendor_words", "vendor_request_id", "trace_id", "looks", "next_look_at")  # fmt: skip
    given = {name: getattr(one, name) for name in same}
    return given | {"kind": "work", "failure": one.kind, "stage": "write", "where": f"{one.connection} {one.place}"}


def _content(one: Waiting, *, unmask: bool) -> dict[str, Any]:
    if isinstance(one, StoredLetter):
        letter = one.letter
        at = int(letter.recorded_at.timestamp() * 1000)
        record = RawRecord(letter.topic, letter.partition, letter.offset, letter.key, letter.value, letter.headers, at)
        return shown(record, unmask=unmask)
    document = dict(one.document) if unmask else masked_tree(one.document)
    return {
        "revision": one.revision,
        "mapping_version": one.mapping_version,
        "wish": one.wish,
        "document": document,
    }
