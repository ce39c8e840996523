"""The documents of what targets have told of a customer; addresses are hidden unless somebody asked to see them."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from common.contracts.activity import standing_word
from common.state.activity import Activity, TargetMember
from console.masking import masked_address
from console.use_cases.activities import CustomerActivity


class MemberDocument(BaseModel):
    """How a customer stands at one target."""

    account: str
    place: str
    member: str
    standing: str = Field(description="subscribed, left, bounced, archived, invited, not subscribed or unknown.")
    open_rate: str | None = Field(description="Between 0 and 1, as it was when the member was read last; null: never.")
    click_rate: str | None


class ActivityDocument(BaseModel):
    """One thing that happened to a member."""

    at: datetime
    kind: str = Field(
        description="subscribed, unsubscribed, cleaned, profile, address_changed, archived, or seen: only a read shows it."
    )
    source: str = Field(description="`event`: the target told it; `read`: only reading it showed it.")
    reason: str
    fields: list[str] = Field(description="What was edited, by name; never a value.")
    told_by: str
    place: str
    member: str
    event_id: str


class ActivityList(BaseModel):
    """A page of what happened, the newest first."""

    connection: str
    entity: str
    record: str
    merged_into: str | None = Field(description="Whose all of it is, where it was merged into another customer.")
    members: list[MemberDocument]
    items: list[ActivityDocument]
    next_cursor: str | None


def activity_list(found: CustomerActivity, next_cursor: str | None, *, unmask: bool) -> ActivityList:
    """A page."""
    return ActivityList(
        connection=found.customer.connection,
        entity=found.customer.entity,
        record=found.customer.record,
        merged_into=found.merged_into,
        members=[_member(one, unmask=unmask) for one in found.members],
        items=[activity_document(one, unmask=unmask) for one in found.rows],
        next_cursor=next_cursor,
    )


def activity_document(one: Activity, *, unmask: bool) -> ActivityDocument:
    """A row."""
    return ActivityDocument(
        at=one.at, kind=one.kind, source=one.source, reason=one.reason, fields=list(one.fields), told_by=one.told_by,
        place=one.place, member=one.key if unmask else masked_address(one.key), event_id=one.event_id,
    )  # fmt: skip


def _member(one: TargetMember, *, unmask: bool) -> MemberDocument:
    return MemberDocument(
        account=one.account, place=one.place, member=one.key if unmask else masked_address(one.key),
        standing=standing_word(one.standing), open_rate=one.open_rate, click_rate=one.click_rate,
    )  # fmt: skip
