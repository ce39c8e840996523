"""The documents of channels."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, Field

from console.api.documents import Body
from console.state.channels import ChannelRow
from console.use_cases.channels import ByHand
from vendors.channel import DescribedHook


class SubjectDocument(BaseModel):
    """One thing that is heard of a connection."""

    subject: str = Field(description="A kind of records, or a place of a target.")
    wanted: bool = Field(description="Whether an active sync wants it; else it is being removed at the vendor.")
    since: datetime
    heard_at: datetime | None = Field(description="The last webhook of it that was verified.")
    webhooks: list[str] = Field(description="What each of its webhooks tells of, in the vendor's words.")


class ChannelDocument(BaseModel):
    """How one connection calls us."""

    connection: str
    name: str
    vendor: str
    state: str = Field(
        description="new: not audited yet; kept: as it shall be; waits: the last audit failed; by_hand: a person has to register."
    )
    address: str = Field(description="What the vendor was last given; its webhooks lead there.")
    audited_at: datetime | None = Field(description="The last audit that came to its end.")
    next_audit_at: datetime
    found: list[str] = Field(description="What an audit last had to mend or to remove.")
    found_at: datetime | None
    code: str = Field(description="Why the last audit failed; empty when it did not.")
    words: str
    subjects: list[SubjectDocument]


class ChannelList(BaseModel):
    """Channels, by the names of their connections."""

    items: list[ChannelDocument]
    next_cursor: str | None


class HookDocument(BaseModel):
    """One webhook as a person registers it at the vendor."""

    event: str
    url: str


class SetUpDocument(BaseModel):
    """What a person needs to register webhooks by hand."""

    channel: ChannelDocument
    hooks: list[HookDocument]
    secret: str | None = Field(
        description="Of all of them; told once, when it is made. Null: there is one; ask for a new one."
    )


class SetUpBody(Body):
    """What is wanted."""

    new_secret: bool = Field(False, description="A new secret; the former one stays valid for a day.")


def channel_document(row: ChannelRow, hooks: Sequence[DescribedHook]) -> ChannelDocument:
    """The channel."""
    return ChannelDocument(
        connection=row.connection, name=row.name, vendor=row.vendor, state=row.state, address=row.base,
        audited_at=row.audited_at, next_audit_at=row.next_at, found=list(row.found), found_at=row.found_at, code=row.code,
        words=row.words,
        subjects=[
            SubjectDocument(
                subject=one.subject, wanted=one.wanted, since=one.since, heard_at=one.heard_at,
                webhooks=[hook.event for hook in hooks if hook.subject == one.subject],
            )
            for one in row.subjects
        ],
    )  # fmt: skip


def set_up_document(found: ByHand) -> SetUpDocument:
    """With the secret, where it was just made."""
    return SetUpDocument(
        channel=channel_document(found.channel, found.hooks),
        hooks=[HookDocument(event=one.event, url=one.url) for one in found.hooks],
        secret=None if found.secret is None else found.secret.reveal(),
    )
