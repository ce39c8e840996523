"""Fills a company, deterministically: customers, some of them inactive, jobs or projects, vendors, employees and invoices."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

from sandbox.quickbooks.company import Company
from sandbox.quickbooks.record import Record, Values
from sandbox.quickbooks.stamps import day
from sandbox.quickbooks.world import FIRST_DAY

GIVEN = ("Ada", "Grace", "Linus", "Margaret", "Alan", "Katherine", "Edsger", "Barbara", "Donald", "Radia")
FAMILY = ("Byron", "Hopper", "Holm", "Lane", "Moore", "Johnson", "Visser", "Quist", "Keller", "Perl")
TOWNS = (
    ("Springfield", "IL", "62701"),
    ("Portland", "OR", "97201"),
    ("Austin", "TX", "73301"),
    ("Salem", "MA", "01970"),
)
# Of every twenty customers of a troubled company, these have a story.
STORIES = {
    2: "job", 4: "comma", 6: "inactive", 8: "project", 10: "shared", 12: "nobody", 14: "own_job", 16: "script", 18: "upper"
}  # fmt: skip


def fill(company: Company, size: int, seed: int, *, trouble: bool) -> dict[str, object]:
    """`size` customers in place of those that are there, with an invoice for every second one."""
    company.empty()
    dice = random.Random(f"{company.account}:{seed}")  # noqa: S311 - the same bytes every time
    filling = Filling(company, dice)
    for at in range(size):
        filling.customer(at, STORIES.get(at % 20, "plain") if trouble else "plain")
    for at in range(size // 20):
        filling.named("Vendor", f"Supplies {at + 1}")
        filling.named("Employee", f"Clerk {at + 1}")
    return {"realm": company.realm} | {entity: len(shelf) for entity, shelf in company.shelves.items() if shelf}


class Filling:
    """One company being filled."""

    def __init__(self, company: Company, dice: random.Random) -> None:
        self._company, self._dice = company, dice
        self._top: Record | None = None
        self._made = FIRST_DAY

    def named(self, entity: str, name: str) -> None:
        self._put(entity, {"DisplayName": name})

    def _put(self, entity: str, values: Values, *, active: bool = True) -> Record:
        self._made += 600.0
        return self._company.put(entity, values, self._made, active=active)

    def customer(self, at: int, story: str) -> None:
        given, family = self._dice.choice(GIVEN), self._dice.choice(FAMILY)
        name, email = f"{given} {family} {at + 1}", f"{given}.{family}.{at + 1}@customers.example".lower()
        town, state, code = self._dice.choice(TOWNS)
        values: dict[str, Any] = {
            "DisplayName": name, "GivenName": given, "FamilyName": family, "PrintOnCheckName": name,
            "PrimaryEmailAddr": {"Address": email},
            "PrimaryPhone": {"FreeFormNumber": f"(555) {self._dice.randrange(10**7):07d}"},
            "BillAddr": {
                "Id": self._company.new_id(), "Line1": f"{at + 1} Market Road", "City": town, "CountrySubDivisionCode": state,
                "PostalCode": code,
            },
            "CurrencyRef": {"value": self._company.currency},
        }  # fmt: skip
        self._tell(values, story, email)
        record = self._put("Customer", values, active=story != "inactive")
        if story == "plain":
            self._top = record
        if at % 2 == 0:
            self._invoice(record.id)

    def _tell(self, values: Values, story: str, email: str) -> None:
        """What makes trouble of a customer."""
        above = self._top.values["PrimaryEmailAddr"] if self._top else None
        addresses = {
            "comma": {"Address": f"{email}, office{email[-30:]}"},
            "shared": {"Address": "info@shared.example"},
            "upper": {"Address": email.upper()},
            "nobody": None, "job": above, "project": above,
        }  # fmt: skip
        values["PrimaryEmailAddr"] = addresses.get(story, values["PrimaryEmailAddr"])
        if story in ("job", "own_job", "project") and self._top is not None:
            values |= {"Job": True, "BillWithParent": True, "ParentRef": {"value": self._top.id}}
            values["IsProject"] = story == "project"
        if story == "script":
            values["Notes"] = "<script>alert(1)</script> -- pays late"
        for name in [name for name, value in values.items() if value is None]:
            del values[name]

    def _invoice(self, customer: str) -> None:
        amount = Decimal(self._dice.randrange(1_000, 500_000)) / 100
        number = str(1001 + len(self._company.shelves["Invoice"]))
        self._put("Invoice", {
            "DocNumber": number, "TxnDate": day(int(self._made)), "DueDate": day(int(self._made) + 30 * 86_400),
            "CustomerRef": {"value": customer}, "TotalAmt": amount, "Balance": amount,
            "CurrencyRef": {"value": self._company.currency},
            "Line": [{"Id": "1", "LineNum": 1, "Amount": amount, "DetailType": "SalesItemLineDetail"}],
        })  # fmt: skip
        self._company.owe(customer, amount)
