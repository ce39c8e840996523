"""The documents of reviews; values of records are hidden unless somebody asked to see them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, StringConstraints, model_validator

from console.api.documents import Body
from console.api.link_documents import Reason
from console.masking import masked_tree, masked_value
from console.state.reviews import Review
from console.use_cases.reviews import ReviewCandidate, ShownReview, kind_of

Answer = Annotated[str, StringConstraints(min_length=1, max_length=400, pattern=r"^[^\x00-\x1f\x7f]+$")]


class ReviewDocument(BaseModel):
    """Something that a person has to decide."""

    id: int = Field(description="Another one once it asks something else.")
    kind: str = Field(
        description="conflict: both sides have changed the field; gone: a record was edited whose counterpart is gone; match: several records "
        "may be its counterpart; unmatched: it was there before the sync, and nothing says who it is; merge: it shares what it is matched by "
        "with a record whose counterpart is gone, which may have been merged into it; unexplained: one side shows of what "
        "was written there something else, in a form that nobody knows."
    )
    sync: str
    link: int
    field: str = Field(description="Empty where the question is about the whole record.")
    left: str
    right: str
    left_value: Any = Field(
        description="Of a match or a merge: the records that share what they are matched by; one with an entity is paired with the record already."
    )
    right_value: Any
    asked_at: datetime


class ReviewList(BaseModel):
    """Open questions, the oldest first."""

    items: list[ReviewDocument]
    next_cursor: str | None


class CandidateDocument(BaseModel):
    """A record that a question names."""

    side: str
    connection: str
    entity: str
    id: str
    linked: bool = Field(description="It has a counterpart already.")
    fields: dict[str, Any]


class AnswerDocument(BaseModel):
    """One answer, and what becomes of it."""

    answer: str
    means: str


class ReviewDetail(ReviewDocument):
    """A question with its answers, and the records that it names."""

    answers: list[AnswerDocument]
    records: list[CandidateDocument]


class DecideBody(Body):
    """One of the answers by its name; of a record that nothing is known of also `link:ID`."""

    answer: Answer
    reason: Reason = ""


class DecideAllBody(Body):
    """One answer for all questions of a kind and a sync; first counted (`dry_run`), then decided up to the number that the count has told."""

    kind: Literal["conflict", "gone", "match", "unmatched", "merge", "unexplained"]
    sync: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
    answer: Answer
    reason: Reason = ""
    dry_run: bool = Field(default=False, description="Only count them.")
    until: int = Field(
        default=0,
        ge=0,
        le=2**62,
        description="Questions with a higher number were asked after the count, and stay open.",
    )

    @model_validator(mode="after")
    def _counted(self) -> Self:
        if not (self.dry_run or self.until):
            raise ValueError("until is missing: count the questions first, with dry_run")
        return self


class DecidedDocument(BaseModel):
    """What was decided, and what is left of what was counted: the same request again decides the next ones."""

    dry_run: bool
    decided: int
    left: int
    until: int


def review_document(review: Review, *, unmask: bool) -> ReviewDocument:
    """A question."""
    return ReviewDocument(**_fields(review, unmask=unmask))


def review_detail(shown: ShownReview, *, unmask: bool) -> ReviewDetail:
    """A question with everything that it takes to decide it."""
    answers = [AnswerDocument(answer=name, means=words) for name, words in shown.answers.items()]
    records = [_candidate(one, unmask=unmask) for one in shown.candidates]
    return ReviewDetail(**_fields(shown.review, unmask=unmask), answers=answers, records=records)


def _candidate(one: ReviewCandidate, *, unmask: bool) -> CandidateDocument:
    fields = dict(one.fields) if unmask else masked_tree(one.fields) or {}
    return CandidateDocument(
        side=one.side, connection=one.connection, entity=one.entity, id=one.id, linked=one.linked, fields=fields
    )


def _fields(review: Review, *, unmask: bool) -> dict[str, Any]:
    names_records = review["kind"] in ("match", "merge")
    values = {
        name: review[name] if unmask or names_records else masked_value(review["field"], review[name])
        for name in ("left_value", "right_value")
    }
    ends = {
        side: f"{review[f'{side}_name']} {review[f'{side}_entity']} {review[f'{side}_id'] or '-'}"
        for side in ("left", "right")
    }
    same = {name: review[name] for name in ("id", "sync", "field", "asked_at")}
    return same | values | ends | {"kind": kind_of(review), "link": review["pair"]}
