"""An audience: its members by every address they answer to, its fields, segments and hooks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from operator import attrgetter

from sandbox.mailchimp.hook import Hook
from sandbox.mailchimp.member import Member, Status, contact_id_of, hash_of
from sandbox.mailchimp.merge_field import MergeField
from sandbox.mailchimp.segment import Segment


@dataclass(slots=True)
class Audience:
    """The vendor's list; every change of a member passes through here so that counts and orders stay true."""

    id: str
    web_id: int
    name: str
    created_at: int
    double_optin: bool = False
    about: dict[str, object] = field(default_factory=dict)
    fields: list[MergeField] = field(default_factory=list)
    members: dict[str, Member] = field(default_factory=dict)
    contacts: dict[str, Member] = field(default_factory=dict)
    forgotten: set[str] = field(default_factory=set)
    segments: dict[int, Segment] = field(default_factory=dict)
    hooks: dict[str, Hook] = field(default_factory=dict)
    statuses: Counter[str] = field(default_factory=Counter)
    last_subscribed_at: int = 0
    last_unsubscribed_at: int = 0
    next_web_id: int = 0
    next_merge_id: int = 1
    version: int = 0
    orders: dict[str, tuple[int, list[Member]]] = field(default_factory=dict, repr=False, compare=False)

    def find(self, key: str) -> Member | None:
        """A member by MD5 hash, plain address or contact id."""
        if "@" in key:
            return self.members.get(hash_of(key))
        return self.members.get(key.lower()) or self.contacts.get(key)

    def take_web_id(self) -> int:
        self.next_web_id += 1
        return self.web_id * 1_000_000 + self.next_web_id

    def add(self, member: Member) -> None:
        self.members[member.id] = member
        self.contacts[contact_id_of(self.id, member.web_id)] = member
        self.statuses[member.status] += 1
        self.version += 1

    def set_status(self, member: Member, status: Status, at: int) -> None:
        self.statuses[member.status] -= 1
        self.statuses[status] += 1
        if status == "subscribed":
            self.last_subscribed_at = at
        elif status == "unsubscribed":
            self.last_unsubscribed_at = at
        member.status = status

    def rename(self, member: Member, email: str) -> None:
        del self.members[member.id]
        member.email = email
        self.members[member.id] = member

    def touch(self, member: Member, at: int) -> None:
        member.changed_at = at
        self.version += 1

    def forget(self, member: Member) -> None:
        """Erase a member; its address can never come back by the API."""
        self.forgotten.add(member.id)
        del self.members[member.id]
        del self.contacts[contact_id_of(self.id, member.web_id)]
        self.statuses[member.status] -= 1
        for tag_id in member.tags:
            self.segments[tag_id].members.pop(member.web_id, None)
        self.version += 1

    def ordered(self, by: str) -> list[Member]:
        """All members in the order of one timestamp, sorted once per change and not once per page."""
        known = self.orders.get(by)
        if known is None or known[0] != self.version:
            known = (self.version, sorted(self.members.values(), key=attrgetter(by, "web_id")))
            self.orders[by] = known
        return known[1]
