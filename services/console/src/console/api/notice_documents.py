"""What the routes of summaries, notifications and destinations take and answer."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from console.api.documents import Body
from console.state.destinations import Destination, LastDelivery
from console.state.notifications import Notification
from console.state.summaries import Summary
from console.summaries import words
from console.summaries.days import Wanted
from console.summaries.figures import Figures
from console.use_cases.destinations import Added


class SummarySettingDocument(BaseModel):
    """When the daily summary is made."""

    at: str | None = Field(description="The local hour of the day after; null: no summary is made.")
    zone: str | None
    first_day: date | None = Field(description="The first day that is told of.")
    next_at: datetime | None = Field(description="When the next one is made.")
    to: list[str] = Field(description="Where summaries are sent, beside the list of notifications.")


class SummarySettingBody(Body):
    """When people want to be told; without an hour no more."""

    at: Annotated[str, StringConstraints(max_length=16)] | None = Field(None, description="A local hour, as 07:00.")
    zone: Annotated[str, StringConstraints(max_length=64)] = Field("UTC", description="As Europe/Madrid.")


class SummaryDocument(BaseModel):
    """A day."""

    day: date
    zone: str
    begins_at: datetime
    ends_at: datetime
    hours: float = Field(description="23 or 25 where clocks are changed.")
    made_at: datetime | None = Field(description="When it was told; null: it was not, and this is how it is seen now.")
    is_empty: bool
    figures: Figures
    text: str = Field(description="All of it in words, as it is mailed.")


class DeliveryDocument(BaseModel):
    """What became of the newest thing that was told to a destination."""

    kind: str
    state: str = Field(description="waiting, sent, failed")
    attempts: int
    due_at: datetime
    ended_at: datetime | None
    words: str = Field(description="Why it was not taken.")


class DestinationDocument(BaseModel):
    """Where things are told to."""

    id: str
    kind: str
    address: str
    summaries: bool
    alerts: bool
    created_at: datetime
    last: DeliveryDocument | None = None
    secret: str | None = Field(None, description="Of a webhook; told once, when it is added.")


class DestinationList(BaseModel):
    """All of them."""

    items: list[DestinationDocument]


class DestinationBody(Body):
    """A mail address or a webhook, and what it is told."""

    address: Annotated[str, StringConstraints(min_length=3, max_length=1000, pattern=r"^[\x21-\x7e]+$")]
    summaries: bool = Field(True, description="The daily summary.")
    alerts: bool = Field(False, description="What needs a person, as soon as it is known.")


class NamedBody(Body):
    """A destination, by its address or id."""

    destination: Annotated[str, StringConstraints(min_length=1, max_length=1000)]


class NotificationDocument(BaseModel):
    """Something that people are told."""

    id: int
    at: datetime
    kind: str
    code: str
    message: str
    connection: str
    resolved_at: datetime | None = Field(description="Its reason is gone; of a summary: there is a newer one.")


class NotificationList(BaseModel):
    """The newest first."""

    items: list[NotificationDocument]


def setting_document(wanted: Wanted | None, next_at: datetime | None, to: list[str]) -> SummarySettingDocument:
    if wanted is None:
        return SummarySettingDocument(at=None, zone=None, first_day=None, next_at=None, to=to)
    return SummarySettingDocument(
        at=wanted.at, zone=wanted.zone, first_day=wanted.first_day, next_at=next_at, to=to
    )  # fmt: skip


def summary_document(one: Summary) -> SummaryDocument:
    day = one.day
    return SummaryDocument(
        day=day.date, zone=day.zone, begins_at=day.begins_at, ends_at=day.ends_at, hours=day.hours, made_at=one.made_at,
        is_empty=one.figures.is_empty, figures=one.figures, text=words.text(one),
    )  # fmt: skip


def destination_document(one: Destination, last: LastDelivery | None = None) -> DestinationDocument:
    """Without a secret."""
    return DestinationDocument(
        id=one.id, kind=one.kind, address=one.shown, summaries=one.summaries, alerts=one.alerts, created_at=one.created_at,
        last=DeliveryDocument(**asdict(last)) if last is not None else None,
    )  # fmt: skip


def added_document(added: Added) -> DestinationDocument:
    """With it, this once."""
    secret = added.secret.reveal() if added.secret is not None else None
    return destination_document(added.destination).model_copy(update={"secret": secret})


def notification_document(one: Notification) -> NotificationDocument:
    return NotificationDocument(**asdict(one))
