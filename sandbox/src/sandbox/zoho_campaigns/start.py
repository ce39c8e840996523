"""The accounts that exist from the start: one in every data centre, each with a list that mails nobody and one that does."""

from __future__ import annotations

from typing import NamedTuple

from sandbox.zoho_accounts.people import ZohoUser
from sandbox.zoho_campaigns.account import ADMIN, Account

FIRST_ID = 6_300_000_000_000
APART = 1_000_000_000_000_000
OPENED = 1_735_689_600
LISTS = (("Customers", False), ("Partners", False), ("Newsletter", True))
TOPICS = ("Offers", "News")


class Beginning(NamedTuple):
    """What an account begins with."""

    account: str
    dc: str
    topic_mode: str
    gdpr: bool


BEGINNINGS = (
    Beginning("demo", "in", "on", False),
    Beginning("demo-us", "us", "on", False),
    Beginning("demo-eu", "eu", "on", True),
    Beginning("demo-au", "au", "off", False),
    Beginning("demo-jp", "jp", "off", False),
    Beginning("demo-ca", "ca", "on", False),
    Beginning("demo-cn", "cn", "brand", False),
    Beginning("demo-sa", "sa", "on", False),
)


def first_accounts(people: list[ZohoUser]) -> list[Account]:
    return [_account(at, one, people) for at, one in enumerate(BEGINNINGS, 1)]


def _account(at: int, one: Beginning, people: list[ZohoUser]) -> Account:
    users = [person for person in people if person.dc == one.dc]
    account = Account(
        str(70_000_000_000 + at * 1_000_003), one.account, f"Alder & Finch Mailings {one.dc.upper()}", one.dc,
        {user.zuid: ADMIN for user in users}, at * APART + FIRST_ID, topic_mode=one.topic_mode, gdpr=one.gdpr,
    )  # fmt: skip
    account.open()
    for name, has_form in LISTS:
        account.add_list(name, (users[0].name, users[0].zuid), OPENED, has_form=has_form)
    for name in TOPICS if one.topic_mode == "on" else ():
        account.add_topic(name, f"{name} for customers")
    return account
