"""One contact of one audience, kept small: fifty thousand of them must fit beside everything else."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

Status = Literal["subscribed", "unsubscribed", "cleaned", "pending", "transactional", "archived"]
Source = Literal["user", "admin", "api"]
MergeValue = str | int | float | dict[str, str]

STATUSES: tuple[Status, ...] = ("subscribed", "unsubscribed", "cleaned", "pending", "transactional", "archived")
# `archived` is only ever returned; PATCH does not list `transactional` either (description 3.0.55).
SETTABLE: tuple[Status, ...] = ("subscribed", "unsubscribed", "cleaned", "pending", "transactional")
PATCHABLE: tuple[Status, ...] = ("subscribed", "unsubscribed", "cleaned", "pending")


@dataclass(slots=True)
class Note:
    """What the account's people wrote about a member."""

    id: int
    text: str
    created_at: int
    updated_at: int


@dataclass(slots=True)
class Event:
    """Something a member did, as an integration told Mailchimp."""

    name: str
    occurred_at: int
    properties: dict[str, str]


@dataclass(slots=True)
class Feats:
    """What happened with a member; most have none, so it is made on first use."""

    notes: dict[int, Note] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    activity: list[dict[str, object]] = field(default_factory=list)


@dataclass(slots=True)
class Member:
    """A contact with its standing; `withdrawn` says who took consent back and outlives every later status."""

    web_id: int
    email: str
    status: Status
    merge: dict[str, MergeValue]
    signup_at: int
    opt_at: int
    changed_at: int
    withdrawn: Literal["", "user", "abuse", "cleaned"] = ""
    unsubscribed_by: Literal["", "user", "admin", "api", "abuse"] = ""
    unsubscribed_at: int = 0
    unsubscribe_reason: str = ""
    before_archive: str = ""
    email_type: str = "html"
    language: str = ""
    vip: bool = False
    ip_signup: str = ""
    ip_opt: str = ""
    latitude: float = 0.0
    longitude: float = 0.0
    source: str = "API - Generic"
    tags: dict[int, int] = field(default_factory=dict)
    feats: Feats | None = None

    @property
    def id(self) -> str:
        return hash_of(self.email)

    @property
    def unique_email_id(self) -> str:
        """The short id that webhooks carry as data[id]; it is not the MD5 hash of the path."""
        return hashlib.md5(b"unique:" + self.email.lower().encode(), usedforsecurity=False).hexdigest()[:10]

    def recorded(self) -> Feats:
        if self.feats is None:
            self.feats = Feats()
        return self.feats


def hash_of(email: str) -> str:
    return hashlib.md5(email.lower().encode(), usedforsecurity=False).hexdigest()


def contact_id_of(audience_id: str, web_id: int) -> str:
    return hashlib.md5(f"contact:{audience_id}:{web_id}".encode(), usedforsecurity=False).hexdigest()


def iso(at: int) -> str:
    """Mailchimp's timestamps have whole seconds; one that never happened is the empty string."""
    return datetime.fromtimestamp(at, UTC).isoformat() if at else ""
