"""What people do in a storm: five hundred seeded operations at the two vendors, through their own APIs, and the history of all of them.

Customers live in households of a few; only within one do they swap, share and inherit addresses, and only in every second household does
anybody leave. So what a withdrawal may reach is known beforehand, and whoever it cannot reach has to be subscribed in the end.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from tests.e2e.road import Road
from tests.e2e.vendors import hash_of

HOUSEHOLDS = 12
ADDRESSES = 9


@dataclass(frozen=True)
class Op:
    """One operation: what was done to which record, and to which address."""

    number: int
    kind: str
    record: str
    email: str
    words: str
    mono_ns: int


@dataclass
class Household:
    """A few customers and the addresses that are theirs."""

    name: str
    leaves: bool
    pool: list[str]
    emails: dict[str, str] = field(default_factory=dict)
    """Who has which address now, by record."""


@dataclass
class People:
    """Everybody; `history` is what they did, and `by_hand` which tags they set, by address."""

    road: Road
    seed: int
    surely: Callable[[], AbstractContextManager[None]] = nullcontext
    """Within it, what is done is told, if only late."""
    history: list[Op] = field(default_factory=list)
    by_hand: dict[str, set[str]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._chance = random.Random(f"people:{self.seed}")
        self.name = f"s{self.seed}h"
        self.households = [self._household(number) for number in range(HOUSEHOLDS)]
        self._deck: list[str] = []
        self._ways: dict[str, Callable[[Household], None]] = {
            "create": self._create, "edit": self._edit, "move": self._move, "swap": self._swap, "ping-pong": self._ping_pong,
            "share": self._share, "clear": self._clear, "delete": self._delete, "deactivate": self._deactivate,
            "leave": self._leave, "come back": self._come_back, "tag": self._tag, "untag": self._untag,
        }  # fmt: skip

    def _household(self, number: int) -> Household:
        pool = [f"{self.name}{number}a{at}@storm.example" for at in range(ADDRESSES)]
        return Household(f"{self.name}{number}", number % 2 == 0, pool)

    @property
    def records(self) -> set[str]:
        return {one.record for one in self.history if one.record}

    def act(self) -> str:
        """One operation; says which."""
        kind = self._next()
        house = self._chance.choice([one for one in self.households if one.leaves or kind not in LEAVING])
        # A household begins with three; whoever has nobody to do it to takes somebody in.
        if len(house.emails) < 3:
            kind = "create"
        before = len(self.history)
        self._ways[kind](house)
        if len(self.history) == before:
            self._edit(house)
        return kind

    def _next(self) -> str:
        if not self._deck:
            self._deck = [kind for kind, share in SHARES.items() for _ in range(share)]
            self._chance.shuffle(self._deck)
        return self._deck.pop()

    # --- in Zoho Books

    def _create(self, house: Household) -> None:
        email = self._somewhere(house)
        record = self.road.customer_created(email, first=self._first(), last=house.name)
        house.emails[record] = email
        self._did("create", record, email)

    def _edit(self, house: Household) -> None:
        record = self._somebody(house)
        first = self._first()
        self._entered(house, record, house.emails[record], first)
        if self._chance.random() < 0.3:
            # A second edit within the second: the stamps of the two are equal.
            self._entered(house, record, house.emails[record], self._first())
        if self._chance.random() < 0.3:
            self.road.customer_edited(
                record, company_name=f"Company {len(self.history)}", mobile=f"0660 {len(self.history)}"
            )

    def _move(self, house: Household) -> None:
        self._entered(house, self._somebody(house), self._somewhere(house), "Moved")

    def _swap(self, house: Household) -> None:
        one, other = self._chance.sample(sorted(house.emails), 2)
        first, second = house.emails[one], house.emails[other]
        self._entered(house, one, second, "Swapped")
        self._entered(house, other, first, "Swapped")

    def _ping_pong(self, house: Household) -> None:
        record = self._somebody(house)
        here, there = house.emails[record], self._somewhere(house)
        for email in (there, here, there)[: self._chance.choice((2, 3))]:
            self._entered(house, record, email, self._first())

    def _share(self, house: Household) -> None:
        record = self._somebody(house)
        taken = sorted({email for other, email in house.emails.items() if other != record and email})
        if taken:
            self._entered(house, record, self._chance.choice(taken), "Shares")

    def _clear(self, house: Household) -> None:
        self._entered(house, self._somebody(house), "", "Nowhere")

    def _delete(self, house: Household) -> None:
        if len(house.emails) < 4:
            return
        record = self._somebody(house)
        with self.surely():
            self.road.books.customer_deleted(record)
        email = house.emails.pop(record)
        self.gone.add(record)
        self._did("delete", record, email)

    def _deactivate(self, house: Household) -> None:
        record = self._somebody(house)
        self.road.books.customer_deactivated(record)
        self._did("deactivate", record, house.emails[record])

    def _entered(self, house: Household, record: str, email: str, first: str) -> None:
        kind = "edit" if email == house.emails[record] else "move"
        self.road.books.person_edited(record, email, first=first, last=house.name)
        house.emails[record] = email
        self._did(kind, record, email, first)

    # --- in Mailchimp

    def _leave(self, house: Household) -> None:
        email = self._member(house, "subscribed")
        if email:
            action, by = self._chance.choice((("unsubscribe", "user"), ("unsubscribe", "user"), ("unsubscribe", "admin"), ("cleaned", "user")))  # fmt: skip
            # Noted before it is done: what comes between the two is no fault of anybody's.
            self._did("leave", "", email, f"{action} by {by}")
            self.road.audience.person(action, email, by=by)

    def _come_back(self, house: Household) -> None:
        email = self._member(house, "unsubscribed")
        if email:
            self.road.audience.person("subscribe", email)
            self._did("come back", "", email)

    def _tag(self, house: Household) -> None:
        email, name = self._member(house, "subscribed"), f"by hand {self._chance.randrange(5)}"
        if email and self._switched(email, name, "active"):
            self.by_hand.setdefault(email, set()).add(name)

    def _untag(self, house: Household) -> None:
        marked = sorted(email for email in house.pool if self.by_hand.get(email))
        if marked:
            email = self._chance.choice(marked)
            name = self._chance.choice(sorted(self.by_hand[email]))
            if self._switched(email, name, "inactive"):
                self.by_hand[email].discard(name)

    def _switched(self, email: str, name: str, status: str) -> bool:
        path = f"/lists/{self.road.audience.id}/members/{hash_of(email)}/tags"
        done = self.road.audience.call("POST", path, json={"tags": [{"name": name, "status": status}]}).is_success
        if done:
            self._did("tag" if status == "active" else "untag", "", email, name)
        return done

    # --- in the end

    def last_touch(self) -> None:
        """Every customer is edited once more: webhooks that were lost are made up for by a later one."""
        for house in self.households:
            for record in sorted(house.emails):
                self.road.customer_edited(record, mobile=f"0664 {record[-4:]}", company_name=f"Last {self.seed}")
                self._did("last touch", record, house.emails[record])

    # --- who and where

    def _somebody(self, house: Household) -> str:
        return self._chance.choice(sorted(house.emails))

    def _somewhere(self, house: Household) -> str:
        """An address that nobody in the household has now; somebody may have had it."""
        free = [email for email in house.pool if email not in house.emails.values()]
        return self._chance.choice(free or house.pool)

    def _member(self, house: Household, status: str) -> str:
        """An address of theirs under which somebody is a member with this status; empty if there is none."""
        emails = sorted({email for email in house.emails.values() if email})
        self._chance.shuffle(emails)
        for email in emails:
            member = self.road.audience.member(email)
            if member is not None and member["status"] == status:
                return email
        return ""

    def _first(self) -> str:
        return f"First{self._chance.randrange(10_000)}"

    def _did(self, kind: str, record: str, email: str, words: str = "") -> None:
        self.history.append(Op(len(self.history), kind, record, email, words, time.monotonic_ns()))


LEAVING = ("leave", "come back")
SHARES = {
    "create": 15, "edit": 22, "move": 10, "swap": 9, "ping-pong": 8, "share": 5, "clear": 3, "delete": 8, "deactivate": 5,
    "leave": 6, "come back": 1, "tag": 6, "untag": 2,
}  # fmt: skip
