"""What an account stores: contacts, the lists they are in, fields, topics and tags."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

ACTIVE, UNSUBSCRIBED, BOUNCED, SPAM = "active", "unsub", "bounce", "spam"
DO_NOT_MAIL = "do_not_mail"


@dataclass(slots=True)
class Contact:
    """One address in All Contacts; `values` are by the fields' display names, without the address itself."""

    email: str
    number: str
    values: dict[str, str]
    added: int
    changed: int
    marketing: bool = True
    type_changed: int = 0
    topics: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(slots=True)
class Member:
    """A contact in a list."""

    status: str
    added: int
    changed: int
    source: str = ""


@dataclass(slots=True)
class Waiting:
    """Somebody who has been sent a confirmation mail and has not answered it."""

    values: dict[str, str]
    topics: tuple[str, ...]
    since: int
    mails: int = 1


@dataclass(slots=True)
class MailingList:
    """One list; with a sign-up form whoever is added has to confirm."""

    key: str
    number: str
    name: str
    has_form: bool
    created: int
    owner: str
    owner_zuid: str
    description: str = ""
    members: dict[str, Member] = field(default_factory=dict)
    waiting: dict[str, Waiting] = field(default_factory=dict)

    def count(self, status: str = "") -> int:
        if not status:
            return len(self.members)
        return sum(member.status == status for member in self.members.values())


class Field(NamedTuple):
    """A field of contacts: shown under one name, kept under another."""

    id: str
    display: str
    name: str
    kind: str
    length: int
    custom: bool = False


class Topic(NamedTuple):
    """What people subscribe to."""

    id: str
    name: str
    description: str
    primary_list: int


class Tag(NamedTuple):
    """A mark on contacts."""

    name: str
    description: str
    color: str
    created: int


class Mail(NamedTuple):
    """A confirmation mail that was sent."""

    at: int
    list_key: str
    email: str


class Charge(NamedTuple):
    """The plan grew by itself, and was charged at once."""

    at: int
    former: int
    now: int
