"""The organisations that exist from the start, before any seed: the demo in Europe, a second one, one per other centre."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple, Protocol

from sandbox.zoho_books.catalogue import Currency, ExchangeRate, ReportingTag, TagOption, Tax, TaxGroup, User
from sandbox.zoho_books.currencies import KNOWN, format_of
from sandbox.zoho_books.custom_fields import CustomField
from sandbox.zoho_books.organisation import Organisation
from sandbox.zoho_books.papers import Paper
from sandbox.zoho_books.seed_names import SEGMENTS

OPENED = 1_705_312_800  # 15 January 2024: a fixed day, so that every sandbox starts alike
RATES_FROM = "2024-01-01"
PER_EURO = {
    "EUR": "1", "USD": "1.0850", "GBP": "0.8560", "JPY": "161.25", "KWD": "0.3335", "CHF": "0.9550", "INR": "90.40",
    "AUD": "1.6410", "CAD": "1.4650", "CNY": "7.7900", "SAR": "4.0690",
}  # fmt: skip

ACCOUNTS = (
    ("Accounts Payable", "accounts_payable"), ("Accounts Receivable", "accounts_receivable"), ("Bank Charges", "expense"),
    ("Inventory Asset", "stock"), ("Petty Cash", "cash"), ("Retained Earnings", "equity"), ("Sales", "income"), ("Travel", "expense"),
)  # fmt: skip


class Person(Protocol):
    """A user of the accounts servers."""

    @property
    def zuid(self) -> str: ...
    @property
    def dc(self) -> str: ...
    @property
    def email(self) -> str: ...
    @property
    def name(self) -> str: ...


class Plot(NamedTuple):
    """What makes one first organisation different from another."""

    id: str
    account: str
    name: str
    dc: str
    country: str
    time_zone: str
    currency: str
    with_unique_fields: bool = True


PLOTS = (
    Plot("20067410401", "demo", "Alder & Finch", "eu", "Germany", "Europe/Berlin", "EUR"),
    Plot("20067410402", "demo-second", "Alder & Finch Retail", "eu", "Ireland", "Europe/Dublin", "EUR", False),
    Plot("70067410403", "demo-us", "Alder & Finch Inc", "us", "U.S.A", "America/Los_Angeles", "USD"),
    Plot("60067410404", "demo-in", "Alder & Finch India", "in", "India", "Asia/Kolkata", "INR"),
    Plot("70067410405", "demo-au", "Alder & Finch Australia", "au", "Australia", "Australia/Sydney", "AUD"),
    Plot("90067410406", "demo-jp", "Alder & Finch Japan", "jp", "Japan", "Asia/Tokyo", "JPY"),
    Plot("11067410407", "demo-ca", "Alder & Finch Canada", "ca", "Canada", "America/Toronto", "CAD"),
    Plot("12067410408", "demo-cn", "Alder & Finch China", "cn", "China", "Asia/Shanghai", "CNY"),
    Plot("13067410409", "demo-sa", "Alder & Finch Saudi Arabia", "sa", "Saudi Arabia", "Asia/Riyadh", "SAR"),
)


def first_organisations(people: Iterable[Person]) -> list[Organisation]:
    """Every first organisation, empty of records. The second user of a centre sees its first organisation only."""
    by_dc: dict[str, list[Person]] = {}
    for person in people:
        by_dc.setdefault(person.dc, []).append(person)
    return [_organisation(plot, by_dc[plot.dc]) for plot in PLOTS]


def _organisation(plot: Plot, people: list[Person]) -> Organisation:
    members = people[:2] if plot.account != "demo-second" else people[:1]
    roles = ("admin", "staff")
    users = [User(one.zuid, one.name, one.email, role) for one, role in zip(members, roles, strict=False)]
    org = Organisation(plot.id, plot.account, plot.name, plot.dc, plot.country, plot.time_zone, users, OPENED)
    _add_currencies(org, plot.currency)
    _add_taxes(org)
    _add_fields(org, with_unique=plot.with_unique_fields)
    _add_tags(org)
    _add_accounts(org)
    return org


def _add_currencies(org: Organisation, base: str) -> None:
    for code in dict.fromkeys([base, "EUR", "USD", "GBP", "JPY", "KWD", "CHF"]):
        name, symbol, digits = KNOWN[code]
        is_base = code == base
        rate = (Decimal(PER_EURO[base]) / Decimal(PER_EURO[code])).quantize(Decimal("0.000001"))
        rates = () if is_base else (ExchangeRate(org.new_id(), RATES_FROM, rate),)
        currency = Currency(org.new_id(), code, name, symbol, digits, format_of(digits), is_base, rates)
        org.currencies[currency.id] = currency


def _add_taxes(org: Organisation) -> None:
    for name, percentage, default in (
        ("Standard Rate", "19", True),
        ("Reduced Rate", "7", False),
        ("Zero Rate", "0", False),
    ):
        tax = Tax(org.new_id(), name, Decimal(percentage), is_default=default)
        org.taxes[tax.id] = tax
    city, county = Tax(org.new_id(), "City Tax", Decimal("2.5")), Tax(org.new_id(), "County Tax", Decimal("1.25"))
    org.taxes |= {city.id: city, county.id: county}
    group = TaxGroup(org.new_id(), "Local Taxes", (city.id, county.id))
    org.tax_groups[group.id] = group


def _add_fields(org: Organisation, *, with_unique: bool) -> None:
    """Custom fields of the demo; unique ones ("Prevent Duplicate Values") only where asked for."""
    wanted: list[tuple[str, str, str, str, bool, bool]] = [
        ("contact", "cf_segment", "Segment", "dropdown", False, True),
        ("contact", "cf_termination", "Termination", "date", False, True),
        ("contact", "cf_account_manager", "Account manager", "string", False, False),
        ("invoice", "cf_channel", "Channel", "string", False, True),
    ]
    if with_unique:
        wanted += [
            ("contact", "cf_external_id", "External ID", "string", True, True),
            ("invoice", "cf_shopify_order_id", "Shopify order", "string", True, True),
            ("item", "cf_external_id", "External ID", "string", True, True),
            ("payment", "cf_external_id", "External ID", "string", True, True),
            ("creditnote", "cf_external_id", "External ID", "string", True, True),
        ]
    for module, api_name, label, kind, unique, in_lists in wanted:
        index = len(org.fields_of(module)) + 1
        field = CustomField(org.new_id(), module, index, api_name, label, kind, unique, in_lists)
        org.fields.append(field)
        if kind == "dropdown":
            org.field_options[field.id] = tuple(name for name in SEGMENTS if name)


def _add_tags(org: Organisation) -> None:
    for name, options in (("Region", ("North", "South", "Overseas")), ("Tier", ("Gold", "Silver", "Bronze"))):
        choices = tuple(TagOption(org.new_id(), option) for option in options)
        tag = ReportingTag(org.new_id(), name, choices)
        org.tags[tag.id] = tag


def _add_accounts(org: Organisation) -> None:
    """The chart that every organisation begins with."""
    for at, (name, kind) in enumerate(ACCOUNTS, 1):
        columns = {
            "account_name": name, "account_code": f"{at:03d}", "account_type": kind, "is_active": True,
            "is_user_created": False, "is_system_account": True, "description": "",
        }  # fmt: skip
        account = Paper(f"{org.id[-5:]}9{at:012d}", OPENED, OPENED, columns)
        org.papers["chartofaccounts"].put(account, OPENED)
