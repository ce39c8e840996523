"""A customer of the shop, and an address."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sandbox.shopify.parts import gid
from sandbox.shopify.stamps import Stamps


@dataclass(slots=True)
class Address:
    """A postal address; every part may be missing."""

    number: int
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    province: str | None = None
    province_code: str | None = None
    country: str | None = None
    country_code_v2: str | None = None
    zip: str | None = None
    phone: str | None = None

    @property
    def id(self) -> str:
        return gid("MailingAddress", self.number)

    @property
    def name(self) -> str | None:
        return " ".join(part for part in (self.first_name, self.last_name) if part) or None


@dataclass(slots=True)
class EmailAddress:
    """The customer's address with the consent given for it."""

    email_address: str
    marketing_state: str
    marketing_opt_in_level: str | None
    marketing_updated_at: datetime | None

    valid_format = True


@dataclass(slots=True)
class PhoneNumber:
    """The customer's number."""

    phone_number: str


@dataclass(slots=True)
class Customer:
    """A person who buys."""

    legacy_resource_id: int
    stamps: Stamps
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None
    note: str | None = None
    state: str = "DISABLED"
    locale: str = "en"
    tax_exempt: bool = False
    verified_email: bool = True
    multipass_identifier: str | None = None
    tags: list[str] = field(default_factory=list)
    tax_exemptions: list[str] = field(default_factory=list)
    places: list[Address] = field(default_factory=list)
    marketing_state: str = "NOT_SUBSCRIBED"
    marketing_opt_in_level: str | None = None
    marketing_updated_at: datetime | None = None

    @property
    def id(self) -> str:
        return gid("Customer", self.legacy_resource_id)

    @property
    def created_at(self) -> datetime:
        assert self.stamps.created_at is not None
        return self.stamps.created_at

    @property
    def updated_at(self) -> datetime:
        return self.stamps.last

    @property
    def display_name(self) -> str:
        return " ".join(part for part in (self.first_name, self.last_name) if part) or self.email or ""

    @property
    def default_address(self) -> Address | None:
        return next(iter(self.places), None)

    @property
    def addresses_v2(self) -> list[Address]:
        return self.places

    def addresses(self, *, first: int | None = None) -> list[Address]:
        return self.places[:first]

    @property
    def default_email_address(self) -> EmailAddress | None:
        if not self.email:
            return None
        return EmailAddress(self.email, self.marketing_state, self.marketing_opt_in_level, self.marketing_updated_at)

    @property
    def default_phone_number(self) -> PhoneNumber | None:
        return PhoneNumber(self.phone) if self.phone else None
