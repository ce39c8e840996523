"""Fills an organisation: the same seed gives the same bytes, whatever the day it is run on.

With `trouble` the data are what a real company's are like: gaps, doubles, other scripts, currencies without or with
three decimals, inactive, gone and late customers.
"""

from __future__ import annotations

import random
import unicodedata
from decimal import Decimal

from sandbox.zoho_books.catalogue import Item
from sandbox.zoho_books.custom_fields import NO_VALUES
from sandbox.zoho_books.organisation import Organisation
from sandbox.zoho_books.records import Address, Contact, Person, Tagged
from sandbox.zoho_books.seed_invoices import add_invoices
from sandbox.zoho_books.seed_names import FIRST, FOREIGN, FORMS, GOODS, LAST, SEGMENTS, STREETS, TOWNS, TRADES, WORDS

ANCHOR = 1_782_864_000  # 1 July 2026: nothing seeded is younger
YEAR_S = 365 * 86_400
MOST = 200_000


def fill(org: Organisation, size: int, seed: int, *, trouble: bool) -> Organisation:
    """Put `size` customers, twice as many invoices and their payments into an empty organisation."""
    if not 0 <= size <= MOST:
        raise ValueError(f"size lies between 0 and {MOST}")
    chance = random.Random(f"zoho-books:{org.id}:{seed}:{size}:{trouble}")  # noqa: S311 - reproducible on purpose
    _add_items(org)
    contacts = Seeder(org, chance, size, trouble=trouble).contacts()
    org.contacts.restore({contact.id: contact for contact in contacts})
    add_invoices(org, chance, contacts, size * 2, trouble=trouble)
    org.contacts.restore({contact.id: org.posted(contact) for contact in org.contacts})
    org.warm()
    return org


def _add_items(org: Organisation) -> None:
    tax_ids = list(org.taxes)
    made = {}
    for at, (name, rate, kind) in enumerate(GOODS):
        tax_id = tax_ids[1] if at % 5 == 3 else tax_ids[0]
        item = Item(
            org.new_id(), name, ANCHOR - 2 * YEAR_S + at, ANCHOR - YEAR_S + at, Decimal(rate), product_type=kind,
            sku=f"SKU-{at + 1:03d}", unit="pcs" if kind == "goods" else "hrs", tax_id=tax_id,
        )  # fmt: skip
        made[item.id] = item
    org.items.restore(made)


class Seeder:
    """Makes the customers of one seed."""

    def __init__(self, org: Organisation, chance: random.Random, size: int, *, trouble: bool) -> None:
        self._org, self._chance, self._size, self._trouble = org, chance, size, trouble
        self._names: set[str] = set()
        self._codes = {currency.code: currency.id for currency in org.currencies.values()}
        self._has_external_id = any(field.api_name == "cf_external_id" for field in org.fields_of("contact"))
        self._last_email = ""

    def contacts(self) -> list[Contact]:
        return [self._contact(at) for at in range(self._size)]

    def _is(self, at: int, every: int, which: int) -> bool:
        """Trouble of one kind hits every so-manieth customer, so that small seeds have all kinds."""
        return self._trouble and at % every == which

    def _contact(self, at: int) -> Contact:
        org, chance = self._org, self._chance
        first, last, company = self._called(at)
        is_person = at % 5 == 4
        created = ANCHOR - 2 * YEAR_S + at * (2 * YEAR_S - 40 * 86_400) // max(self._size, 1)
        modified = created + chance.randrange(0, ANCHOR - created - 60)
        if self._is(at, 20, 6):  # several changed within one second: a watermark must not lose one
            modified = ANCHOR - 7_200
        billing, shipping = self._addresses(at)
        gone = self._is(at, 20, 13)
        return Contact(
            id=org.new_id(),
            name=self._unique(f"{first} {last}" if is_person else company),
            created=created,
            modified=modified,
            currency_id=self._currency(at),
            billing=billing,
            shipping=shipping,
            company_name="" if is_person else company,
            sub_type="individual" if is_person else "business",
            status="inactive" if gone or self._is(at, 20, 9) else "active",
            payment_terms=30,
            payment_terms_label="Net 30",
            website="" if is_person else f"https://{_ascii(company) or 'shop'}.example",
            language_code="en",
            source="user",
            persons=self._persons(at, first, last, company),
            custom=self._custom(at, gone=gone),
            tags=self._tags(at),
        )

    def _called(self, at: int) -> tuple[str, str, str]:
        if self._is(at, 20, 3):
            return FOREIGN[at // 20 % len(FOREIGN)]
        first = FIRST[self._chance.randrange(len(FIRST))]
        last = LAST[self._chance.randrange(len(LAST))]
        trade, form = TRADES[at // len(WORDS) % len(TRADES)], FORMS[at // (len(WORDS) * len(TRADES)) % len(FORMS)]
        return first, last, f"{WORDS[at % len(WORDS)]} {trade} {form}"

    def _unique(self, name: str) -> str:
        """Contact names are unique: a namesake gets a number, as people do it in the application."""
        found, number = name, 1
        while found.casefold() in self._names:
            number += 1
            found = f"{name} ({number})"
        self._names.add(found.casefold())
        return found

    def _currency(self, at: int) -> str:
        if self._is(at, 20, 5):
            return self._codes["JPY"]
        if self._is(at, 20, 15):
            return self._codes["KWD"]
        return self._codes["USD"] if at % 10 == 7 else self._org.base.id

    def _persons(self, at: int, first: str, last: str, company: str) -> tuple[Person, ...]:
        email = self._email(at, first, last, company)
        phone = f"+49 228 {1_000_000 + at * 7919 % 9_000_000}"
        primary = Person(
            self._org.new_id(), "", first, last, email, "" if self._is(at, 20, 11) else phone, primary=True
        )
        if at % 4 or not email:
            return (primary,)
        other = FIRST[(at // 4) % len(FIRST)]
        domain = email.partition("@")[2]
        second = Person(
            self._org.new_id(), "", other, last, f"{_ascii(other)}.{at}@{domain.lower()}", designation="Accounts"
        )
        return primary, second

    def _email(self, at: int, first: str, last: str, company: str) -> str:
        """Unique but where trouble wants it otherwise: none, another customer's, upper case, sub-addressed."""
        if self._is(at, 20, 1):
            return ""
        if self._is(at, 20, 17):
            return self._last_email
        name = f"{_ascii(first) or 'kontakt'}.{_ascii(last) or 'k'}.{at}"
        domain = f"{_ascii(company) or 'shop'}.example"
        email = f"{name}+books@{domain}" if self._is(at, 20, 8) else f"{name}@{domain}"
        if self._is(at, 20, 16):
            self._last_email = email
        return email.upper() if self._is(at, 20, 2) else email

    def _addresses(self, at: int) -> tuple[Address, Address]:
        town = TOWNS[self._chance.randrange(len(TOWNS))]
        street = f"{STREETS[at % len(STREETS)]} {at % 140 + 1}"
        billing = Address(
            self._org.new_id(), "", street, "", town.city, town.state, "", town.zip, town.country, town.code
        )
        if self._is(at, 20, 4):
            billing = billing._replace(address="", zip="")
        if self._is(at, 20, 14):
            billing = Address(billing.id)
        return billing, billing._replace(id=self._org.new_id())

    def _custom(self, at: int, *, gone: bool) -> dict[str, str]:
        values = {"cf_segment": SEGMENTS[at % len(SEGMENTS)]}
        if self._has_external_id and at % 3 == 0:
            values["cf_external_id"] = f"EXT-{at:06d}"
        if gone:
            values["cf_termination"] = f"2025-0{at // 20 % 9 + 1}-28"
        return {name: value for name, value in values.items() if value} or dict(NO_VALUES)

    def _tags(self, at: int) -> tuple[Tagged, ...]:
        if at % 3:
            return ()
        tag = next(iter(self._org.tags.values()))
        return (Tagged(tag.id, tag.options[at % len(tag.options)].id),)


def _ascii(text: str) -> str:
    """Lower-case Latin letters and digits of a name, for addresses."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return "".join(sign for sign in plain if sign.isalnum())
