"""Fills an account with a company's customers, deterministically: accounts, people under them, deals, and some leads."""

from __future__ import annotations

import random
from decimal import Decimal

from sandbox.zoho_crm.modules import SOURCES, STAGES
from sandbox.zoho_crm.organisation import Organisation
from sandbox.zoho_crm.record import Record, Shelf, Values
from sandbox.zoho_crm.seed_names import FIRST, FORMS, LAST, TOWNS, TRADES, WORDS

YEAR = 365 * 86_400
BEGUN = 1_735_689_600  # records are as old as the seed says, not as the clock


def fill(org: Organisation, size: int, seed: int, now: int, *, trouble: bool = False) -> None:
    """`size` contacts, an account for every three, a deal for every two; with `trouble`, shared and missing addresses."""
    org.shelves = {name: Shelf() for name in org.modules}
    org.page_tokens, org.jobs = {}, {}
    Filling(org, random.Random(seed), min(now, BEGUN + YEAR), trouble).run(size)  # noqa: S311 - the same bytes every time


class Filling:
    """One account being filled."""

    def __init__(self, org: Organisation, dice: random.Random, until: int, trouble: bool) -> None:
        self._org, self._dice, self._until, self._trouble = org, dice, until, trouble
        self._at = 0

    def run(self, size: int) -> None:
        accounts = [self._account(at) for at in range(-(-size // 3))]
        contacts = [self._contact(at, accounts) for at in range(size)]
        for at in range(size // 2):
            self._deal(at, self._dice.choice(contacts))
        for at in range(size // 10):
            self._lead(at)

    def _put(self, module: str, values: Values) -> Record:
        self._at += 1
        made = min(BEGUN + self._dice.randrange(YEAR), self._until)
        user = self._dice.choice(self._org.users).id
        record = Record(self._org.new_id(), made, made, user, user, user, {})
        self._org.shelves[module].put(record, {name: value for name, value in values.items() if value is not None})
        return record

    def _account(self, at: int) -> Record:
        dice = self._dice
        name = f"{dice.choice(WORDS)} {dice.choice(TRADES)} {dice.choice(FORMS)} {at + 1}"
        city, state, code, country = dice.choice(TOWNS)
        return self._put("Accounts", {
            "Account_Name": name, "Phone": f"+91 22 {dice.randrange(10**7):07d}", "Account_Type": "Customer",
            "Website": f"https://{name.split(' ')[0].lower()}{at + 1}.example", "Currency": self._org.base,
            "Billing_Street": f"{dice.randrange(1, 200)} Market Road", "Billing_City": city, "Billing_State": state,
            "Billing_Code": code, "Billing_Country": country,
        })  # fmt: skip

    def _contact(self, at: int, accounts: list[Record]) -> Record:
        dice = self._dice
        first, last = dice.choice(FIRST), dice.choice(LAST)
        email: str | None = f"{first}.{last}.{at + 1}@customers.example".lower()
        if self._trouble and at % 10 == 0:
            email = dice.choice([None, "info@shared.example", f" {email} ".strip().upper()])
        return self._put("Contacts", {
            "First_Name": first, "Last_Name": last, "Email": email, "Phone": f"+91 98 {dice.randrange(10**8):08d}",
            "Account_Name": accounts[at // 3].id if accounts else None, "Title": dice.choice(["Buyer", "Owner", "CFO", None]),
            "Lead_Source": dice.choice(SOURCES), "Email_Opt_Out": dice.random() < 0.05, "Currency": self._org.base,
        })  # fmt: skip

    def _deal(self, at: int, contact: Record) -> None:
        dice = self._dice
        self._put("Deals", {
            "Deal_Name": f"Deal {at + 1} {dice.choice(WORDS)}", "Stage": dice.choice(STAGES), "Contact_Name": contact.id,
            "Account_Name": contact.values.get("Account_Name"), "Amount": Decimal(dice.randrange(10_000, 5_000_000)) / 100,
            "Closing_Date": f"2026-{dice.randrange(1, 13):02d}-{dice.randrange(1, 29):02d}", "Currency": self._org.base,
        })  # fmt: skip

    def _lead(self, at: int) -> None:
        first, last = self._dice.choice(FIRST), self._dice.choice(LAST)
        company = f"{self._dice.choice(WORDS)} {self._dice.choice(TRADES)}"
        email = f"{first}.{last}.lead{at + 1}@prospects.example".lower()
        self._put("Leads", {"First_Name": first, "Last_Name": last, "Company": company, "Email": email})
