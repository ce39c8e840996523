"""All that a restart must find again: companies, applications, codes on their way, and the switches in force."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sandbox.operators import Operators, operator_token
from sandbox.quickbooks.apps import App, Grant, derived, new_app
from sandbox.quickbooks.company import Company
from sandbox.quickbooks.switches import Switches

VENDOR = "quickbooks"
APP = "demo"
FIRST_DAY = datetime(2025, 1, 1, tzinfo=UTC).timestamp()
FIRST = ("demo", "demo-north", "demo-south")


@dataclass(frozen=True, slots=True)
class Code:
    """A consent on its way to being a grant; good once."""

    realm: str
    app: str
    redirect_uri: str
    expires: float


@dataclass(slots=True)
class World:
    """The one mutable root; everything else gets it handed in."""

    companies: dict[str, Company] = field(default_factory=dict)  # by realm
    apps: dict[str, App] = field(default_factory=dict)  # by key
    codes: dict[str, Code] = field(default_factory=dict)
    switches: Switches = field(default_factory=Switches)
    made: int = 0

    def begin(self, operators: Operators) -> None:
        """As at the first start."""
        self.companies, self.codes, self.switches, self.made = {}, {}, Switches(), 0
        self.apps = {APP: new_app(APP)}
        for account in FIRST:
            self.open(account, operators)

    def open(self, account: str, operators: Operators) -> Company:
        """A company; the same name has the same realm."""
        realm = f"91{int(derived('realm', account)[:12], 16) % 10**14:014d}"
        company = Company(realm, account, f"Alder & Finch ({account})", "US", "USD")
        address = {"Id": "1", "Line1": "1 High Street", "City": "Springfield", "PostalCode": "62701"}
        company.put(
            "CompanyInfo",
            {"CompanyName": company.name, "LegalName": company.name, "Country": "US", "CompanyAddr": address},
            FIRST_DAY,
        )
        self.companies[realm] = company
        operators.add(VENDOR, account, operator_token(VENDOR, account))
        return company

    def fresh(self, *parts: object) -> str:
        """A credential that nobody has had."""
        self.made += 1
        return derived(self.made, *parts)

    def named(self, account: str) -> Company:
        """By account name or realm; raises KeyError."""
        for company in self.companies.values():
            if account in (company.account, company.realm):
                return company
        raise KeyError(account)

    def client(self, client_id: str | None) -> App | None:
        return next((app for app in self.apps.values() if app.client_id == client_id), None)

    def grants(self) -> Iterator[tuple[App, Grant]]:
        for app in self.apps.values():
            for grant in app.grants.values():
                yield app, grant

    def of_access(self, token: str) -> tuple[App, Grant] | None:
        """Whose access token this is, whether or not it still lives."""
        return next(((app, grant) for app, grant in self.grants() if token in grant.access), None)

    def become(self, other: World) -> None:
        self.companies, self.apps, self.codes = other.companies, other.apps, other.codes
        self.switches, self.made = other.switches, other.made


def month_of(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y-%m")
