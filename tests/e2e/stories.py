"""What happens to some customers in a while: a seeded mixture of everything that people do, faster than anything can follow."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from tests.e2e.road import Road


@dataclass
class Story:
    """One run; `emails` tells who has which address now."""

    road: Road
    name: str
    seed: int = 0
    emails: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._chance = random.Random(f"{self.name}:{self.seed}")

    def begin(self, customers: int) -> Story:
        for number in range(customers):
            email = f"{self.name}{number}@story.example"
            self.emails[self.road.customer_created(email, first=f"First{number}")] = email
        return self

    def go_on(self) -> Story:
        """Everybody is edited twice within a second, and then each in a way of its own."""
        for record, email in list(self.emails.items()):
            self.road.books.person_edited(record, email, first="Once")
            self.road.books.person_edited(record, email, first=f"Twice{record[-3:]}")
        for record in list(self.emails):
            self._something(record)
        return self

    def people_leave(self, share: float = 0.2) -> Story:
        """Some members leave or bounce, whatever we are doing to them."""
        members = self.road.audience.members()
        for email in sorted(set(self.emails.values()) & set(members)):
            if self._chance.random() < share and members[email]["status"] == "subscribed":
                self.road.audience.person(self._chance.choice(("unsubscribe", "cleaned")), email)
        return self

    def _something(self, record: str) -> None:
        books, email = self.road.books, self.emails[record]
        match self._chance.randrange(6):
            case 0:
                self.emails[record] = f"new-{email}"
                if email in self.road.audience.left:
                    # Consent is copied down: who had left under the old address has left under the new one.
                    self.road.audience.left.add(self.emails[record])
                books.person_edited(record, self.emails[record], first="Moved")
            case 1:
                books.customer_deleted(record)
                del self.emails[record]
            case 2:
                books.customer_deactivated(record)
            case 3:
                books.customer_edited(record, company_name=f"Company {record[-3:]}", mobile="0660 1")
            case 4:
                self.emails[record] = self._chance.choice(sorted(set(self.emails.values())))
                books.person_edited(record, self.emails[record], first="Shares")
            case _:
                books.person_edited(record, email, first="Last")
