"""One account of Campaigns: whatever its token opens, for the API names no organisation."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from sandbox.zoho_campaigns.records import (
    DO_NOT_MAIL,
    UNSUBSCRIBED,
    Charge,
    Contact,
    Field,
    Mail,
    MailingList,
    Tag,
    Topic,
)

PLANS = (500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000)
EMAIL = "Contact Email"
# Display name, inner name, type, length.
STANDARD = (
    (EMAIL, "contact_email", "Email", 100), ("First Name", "firstname", "Text", 100), ("Last Name", "lastname", "Text", 100),
    ("Phone", "phone", "Phone", 50), ("Company Name", "companyname", "Text", 100), ("Job Title", "job_title", "Text", 100),
    ("City", "city", "Text", 100), ("State", "state", "Text", 100), ("Country", "country", "Text", 100),
    ("Zip Code", "zipcode", "Text", 20), ("Note", "note", "textarea", 1_000),
)  # fmt: skip
ADMIN, READER, NOBODY = "admin", "reader", "nobody"


@dataclass(slots=True)
class Account:
    """All that one account stores."""

    id: str
    name: str
    title: str
    dc: str
    roles: dict[str, str]  # by zuid: admin, reader, nobody
    last_id: int
    contacts: dict[str, Contact] = field(default_factory=dict)
    lists: dict[str, MailingList] = field(default_factory=dict)
    deleted_lists: dict[str, str] = field(default_factory=dict)  # key, name
    do_not_mail: dict[str, int] = field(default_factory=dict)
    fields: dict[str, Field] = field(default_factory=dict)  # by display name
    topics: dict[str, Topic] = field(default_factory=dict)
    tags: dict[str, Tag] = field(default_factory=dict)
    topic_mode: str = "on"  # off, on, brand
    product_id: str = ""
    gdpr: bool = False
    active: bool = True
    plan: int = 100_000
    auto_upgrade: bool = False
    charges: list[Charge] = field(default_factory=list)
    mails: list[Mail] = field(default_factory=list)

    def open(self) -> None:
        """The standard fields, and the topic that every account begins with."""
        for display, name, kind, length in STANDARD:
            self.fields[display] = Field(self.new_id(), display, name, kind, length)
        self.product_id = self.new_id()
        self.add_topic("default", "Whatever there is to tell")

    def new_id(self) -> str:
        self.last_id += 1
        return str(self.last_id)

    def key_of(self, number: str) -> str:
        """A list's key: long, fixed, and nothing that could be guessed."""
        return hashlib.sha256(f"{self.id}:{number}".encode()).hexdigest()[:48]

    def add_list(self, name: str, owner: tuple[str, str], now: int, *, has_form: bool) -> MailingList:
        number = self.new_id()
        made = MailingList(self.key_of(number), number, name, has_form, now, *owner)
        self.lists[made.key] = made
        return made

    def add_topic(self, name: str, description: str) -> Topic:
        made = Topic(self.new_id(), name, description, int(self.new_id()))
        self.topics[made.id] = made
        return made

    def add_field(self, display: str, kind: str, length: int) -> Field:
        made = Field(self.new_id(), display, display.lower(), kind, length, True)
        self.fields[display] = made
        return made

    def knows_field(self, name: str) -> bool:
        """By either name, case aside: that is what makes a new field a duplicate."""
        taken = {word.lower() for one in self.fields.values() for word in (one.display, one.name)}
        return name.lower() in taken

    def list_named(self, name: object) -> MailingList:
        """By key or by name; raises ValueError."""
        for one in self.lists.values():
            if name in (one.key, one.name):
                return one
        raise ValueError(f"there is no list {name!r}")

    def silence(self, email: str, now: int) -> None:
        """Into the registry of those who get no mail: out of every list, without being unsubscribed from it."""
        self.do_not_mail[email] = now
        for one in self.lists.values():
            one.waiting.pop(email, None)
            member = one.members.get(email)
            if member is not None:
                member.status, member.changed = DO_NOT_MAIL, now

    def release(self, email: str) -> bool:
        """Out of the registry: in the lists it had left, the address is unsubscribed. Whether it was there."""
        was_there = self.do_not_mail.pop(email, None) is not None
        for one in self.lists.values() if was_there else ():
            if email in one.members:
                one.members[email].status = UNSUBSCRIBED
        return was_there

    def forget(self, email: str) -> None:
        """The contact is nowhere any more; the registry of do-not-mail remembers the address."""
        self.contacts.pop(email, None)
        for one in self.lists.values():
            one.members.pop(email, None)
            one.waiting.pop(email, None)

    def has_room(self, now: int) -> bool:
        """Whether one more contact fits into the plan, which grows where it may, and is charged."""
        if len(self.contacts) < self.plan:
            return True
        if not self.auto_upgrade:
            return False
        former, self.plan = self.plan, next((one for one in PLANS if one > self.plan), self.plan * 2)
        self.charges.append(Charge(now, former, self.plan))
        return True
