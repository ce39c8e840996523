"""The documents of links; keys and ids are hidden where they are addresses, unless somebody asked to see them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints

from console.api.documents import Body
from console.masking import masked_address, masked_tree, masked_value
from console.state.links import Link, LinkRow
from console.state.questions import Question
from console.use_cases.links import AFTER_REMOVAL, Planned

Text = Annotated[str, StringConstraints(max_length=400, pattern=r"^[^\x00-\x1f\x7f]*$")]
Filled = Annotated[str, StringConstraints(min_length=1, max_length=400, pattern=r"^[^\x00-\x1f\x7f]+$")]
Reason = Annotated[str, StringConstraints(max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")]
MOST_FILE = 64 * 1024 * 1024


class EndBody(Body):
    """One end of a link."""

    account: Filled = Field(description="The vendor's account, or the name of a connection that opens it.")
    place: Text = ""
    entity: Filled
    id: Text = ""
    key: Text = Field("", description="What it is found by at a target: an e-mail address, a number.")


class LinkBody(Body):
    """A link that somebody makes by hand."""

    left: EndBody
    right: EndBody
    reason: Reason = ""
    dry_run: bool = Field(False, description="Only say what would be done.")

    def row(self) -> LinkRow:
        ends = {
            f"{side}_{name}": getattr(end, name)
            for side, end in (("left", self.left), ("right", self.right))
            for name in ("account", "place", "entity", "id", "key")
        }
        return LinkRow(line=1, **ends, state="linked", rule="by hand", since=None)


class RemoveBody(Body):
    """Why a link goes."""

    reason: Reason = ""
    dry_run: bool = Field(False, description="Only say what would be done.")


class ImportBody(Body):
    """A file of links: CSV with a line of column names, or JSON lines."""

    text: Annotated[str, StringConstraints(max_length=MOST_FILE)]
    reason: Reason = ""
    dry_run: bool = Field(False, description="Only check every line.")


class EndDocument(BaseModel):
    """One end of a link."""

    account: str
    connection: str = Field(description="The name of a connection that opens the account; empty when there is none.")
    place: str
    entity: str
    id: str
    key: str


class LinkDocument(BaseModel):
    """Two records that are one thing."""

    id: int
    left: EndDocument
    right: EndDocument
    state: str = Field(
        description="reserved: about to be made; linked; ended_left, ended_right: that record is gone; "
        "unlinked: taken apart by hand, or refused by the vendor or given up before it was there."
    )
    rule: str
    since: datetime
    changed_at: datetime


class HistoryRow(BaseModel):
    """What happened to a link."""

    at: datetime
    what: str
    who: str = ""
    why: str = ""


class LinkDetail(LinkDocument):
    """A link with its history, and what each side was last seen and last agreed to be, where both are edited."""

    history: list[HistoryRow]
    seen: dict[str, Any]
    agreed: dict[str, Any]
    next: str = Field("", description="What happens next, for a link that is taken apart.")


class LinkList(BaseModel):
    """A page of links, in the order in which they were made."""

    items: list[LinkDocument]
    next_cursor: str | None


class QuestionDocument(BaseModel):
    """Something a person has to decide about a link."""

    link: int
    field: str = Field(description="Empty where the question is about the whole record.")
    kind: str = Field(
        description="differs: both sides have changed the field; gone: a record was edited whose counterpart is gone."
    )
    left: str
    right: str
    left_value: Any
    right_value: Any
    asked_at: datetime


class QuestionList(BaseModel):
    """Open questions, the oldest first."""

    items: list[QuestionDocument]
    next_cursor: str | None


class AnswerBody(Body):
    """Whose value both shall have; it holds for the two values that are asked about."""

    field: Text = ""
    winner: Literal["left", "right"] = Field(
        description="Of a record whose counterpart is gone: the side that is gone leaves it so, the other side has it made anew."
    )
    reason: Reason = ""


class PlannedDocument(BaseModel):
    """What was done, or would be."""

    dry_run: bool
    added: int
    again: int = Field(description="Links that had ended or were taken apart, and are linked again.")
    unchanged: int


def link_document(link: Link, *, unmask: bool) -> LinkDocument:
    """A link."""
    return LinkDocument(**_fields(link, unmask=unmask))


def link_detail(link: Link, *, unmask: bool, removal: bool = False) -> LinkDetail:
    """A link with its history."""
    values = {name: link[name] if unmask else masked_tree(link[name]) or {} for name in ("seen", "agreed")}
    return LinkDetail(
        **_fields(link, unmask=unmask), **values, history=[HistoryRow(**_plain(row)) for row in link["history"]],
        next=AFTER_REMOVAL if removal else "",
    )  # fmt: skip


def question_document(asked: Question, *, unmask: bool) -> QuestionDocument:
    """A question."""
    ends = {
        side: f"{asked[f'{side}_entity']} {asked[f'{side}_id'] or masked_address(asked[f'{side}_key'])}"
        for side in ("left", "right")
    }
    values = {
        name: asked[name] if unmask else masked_value(asked["field"], asked[name])
        for name in ("left_value", "right_value")
    }
    same = {name: asked[name] for name in ("field", "kind", "asked_at")}
    return QuestionDocument(link=asked["pair"], **ends, **values, **same)


def planned_document(planned: Planned, *, dry_run: bool) -> PlannedDocument:
    """What an import or an addition comes to."""
    return PlannedDocument(dry_run=dry_run, added=planned.added, again=planned.again, unchanged=planned.unchanged)


def _fields(link: Link, *, unmask: bool) -> dict[str, Any]:
    same = {name: link[name] for name in ("id", "state", "rule", "since", "changed_at")}
    return same | {side: _end(link, side, unmask=unmask) for side in ("left", "right")}


def _end(link: Link, side: str, *, unmask: bool) -> EndDocument:
    shown = {name: link[f"{side}_{name}"] for name in ("id", "key")}
    if not unmask:
        shown = {name: masked_address(value) for name, value in shown.items()}
    return EndDocument(
        account=link[f"{side}_account"], connection=link[f"{side}_name"], place=link[f"{side}_place"],
        entity=link[f"{side}_entity"], **shown,
    )  # fmt: skip


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in HistoryRow.model_fields if name in row}
