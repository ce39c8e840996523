"""Fills the first list of an account, deterministically; with trouble also with those who may not be written to."""

from __future__ import annotations

import random

from sandbox.zoho_campaigns.account import Account
from sandbox.zoho_campaigns.records import ACTIVE, BOUNCED, SPAM, UNSUBSCRIBED, Contact, Member
from sandbox.zoho_campaigns.start import OPENED

_FIRST = "Asha Bela Chandra Devi Esha Farid Gita Hari Indra Jaya Kiran Lata Meera Nikhil Omar Priya Ravi Sita Tara Uma Anna Ben Carla Ella"
FIRST = tuple(_FIRST.split(" "))
_LAST = "Agarwal Bose Chopra Desai Fernandes Gupta Hegde Iyer Joshi Kapoor Mehta Nair Patel Rao Sharma Thakur Verma Adler Berg Dorn Engel"
LAST = tuple(_LAST.split(" "))
WORKS = ("Textiles", "Logistics", "Foods", "Systems", "Motors", "Design", "Steel", "Travel")
DAY = 86_400
TROUBLED = ((UNSUBSCRIBED, 0.06), (BOUNCED, 0.09), (SPAM, 0.10))


def fill(account: Account, size: int, seed: int, *, trouble: bool = False) -> None:
    """`size` contacts instead of those there were; one in twenty of the troubled gets no mail at all."""
    dice = random.Random(seed)  # noqa: S311 - the same bytes every time
    account.contacts, account.do_not_mail, account.mails = {}, {}, []
    for one in account.lists.values():
        one.members, one.waiting = {}, {}
    members = next(iter(account.lists.values())).members
    for at in range(size):
        contact = _contact(account, dice, at)
        account.contacts[contact.email] = contact
        status = _status(dice.random()) if trouble else ACTIVE
        members[contact.email] = Member(status, contact.added, contact.changed, "seed")
        if trouble and dice.random() < 0.05:
            account.silence(contact.email, contact.changed)


def _contact(account: Account, dice: random.Random, at: int) -> Contact:
    first, last = dice.choice(FIRST), dice.choice(LAST)
    added = OPENED + dice.randrange(365) * DAY
    values = {
        "First Name": first, "Last Name": last, "Company Name": f"{last} {dice.choice(WORKS)}",
        "Phone": f"+91 98 {dice.randrange(10**8):08d}",
    }  # fmt: skip
    email = f"{first}.{last}.{at + 1}@contacts.example".lower()
    return Contact(email, account.new_id(), values, added, added, type_changed=added)


def _status(drawn: float) -> str:
    return next((status for status, below in TROUBLED if drawn < below), ACTIVE)
