"""The accounts that exist from the start: one in every data centre, from the free edition up."""

from __future__ import annotations

from typing import NamedTuple

from sandbox.zoho_accounts.people import ZohoUser
from sandbox.zoho_crm.organisation import Organisation, User

FIRST_ID = 5_000_000_000_000
APART = 1_000_000_000_000_000


class Beginning(NamedTuple):
    """What an account begins with."""

    account: str
    dc: str
    edition: str
    time_zone: str
    country: str
    currency: str


BEGINNINGS = (
    Beginning("demo", "in", "enterprise", "Asia/Kolkata", "IN", "INR"),
    Beginning("demo-us", "us", "professional", "America/New_York", "US", "USD"),
    Beginning("demo-eu", "eu", "enterprise", "Europe/Berlin", "DE", "EUR"),
    Beginning("demo-au", "au", "free", "Australia/Sydney", "AU", "AUD"),
    Beginning("demo-jp", "jp", "standard", "Asia/Tokyo", "JP", "JPY"),
    Beginning("demo-ca", "ca", "professional", "America/Toronto", "CA", "CAD"),
    Beginning("demo-cn", "cn", "ultimate", "Asia/Shanghai", "CN", "CNY"),
    Beginning("demo-sa", "sa", "enterprise", "Asia/Riyadh", "SA", "SAR"),
)


def first_accounts(people: list[ZohoUser]) -> list[tuple[Organisation, str]]:
    """Each account with its edition."""
    return [(_account(at, one, people), one.edition) for at, one in enumerate(BEGINNINGS, 1)]


def _account(at: int, one: Beginning, people: list[ZohoUser]) -> Organisation:
    first = at * APART + FIRST_ID
    users = [
        User(str(first + nth), person.zuid, person.email, person.name)
        for nth, person in enumerate((person for person in people if person.dc == one.dc), 1)
    ]
    org = Organisation(
        str(60_000_000_000 + at * 1_000_003), one.account, f"Alder & Finch Sales {one.dc.upper()}", one.dc, one.time_zone,
        one.country, one.currency, users, first + 100,
    )  # fmt: skip
    org.open()
    return org
