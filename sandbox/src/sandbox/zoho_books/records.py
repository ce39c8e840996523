"""Contacts and what belongs to them, as stored. Records are replaced, never changed in place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from sandbox.zoho_books.custom_fields import no_values
from sandbox.zoho_books.money import ZERO


class Address(NamedTuple):
    """A postal address; billing and shipping have ids too."""

    id: str
    attention: str = ""
    address: str = ""
    street2: str = ""
    city: str = ""
    state: str = ""
    state_code: str = ""
    zip: str = ""
    country: str = ""
    country_code: str = ""
    phone: str = ""
    fax: str = ""


class Person(NamedTuple):
    """A contact person."""

    id: str
    salutation: str = ""
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone: str = ""
    mobile: str = ""
    designation: str = ""
    department: str = ""
    skype: str = ""
    primary: bool = False
    portal: bool = False
    sms: bool = False
    whatsapp: bool = False


class Tagged(NamedTuple):
    """A reporting tag with its chosen option."""

    tag_id: str
    option_id: str


@dataclass(slots=True)
class Contact:
    """A customer or a vendor."""

    id: str
    name: str
    created: int
    modified: int
    currency_id: str
    billing: Address
    shipping: Address
    company_name: str = ""
    contact_type: str = "customer"
    sub_type: str = "business"
    status: str = "active"
    payment_terms: int = 0
    payment_terms_label: str = "Due On Receipt"
    website: str = ""
    language_code: str = ""
    notes: str = ""
    credit_limit: Decimal | None = None
    contact_number: str = ""
    tax_id: str = ""
    tax_exemption_id: str = ""
    tax_authority_id: str = ""
    is_taxable: bool = True
    owner_id: str = ""
    facebook: str = ""
    twitter: str = ""
    crm_linked: bool = False
    portal_enabled: bool = False
    source: str = "api"
    persons: tuple[Person, ...] = ()
    addresses: tuple[Address, ...] = ()
    custom: Mapping[str, str] = field(default_factory=no_values)
    tags: tuple[Tagged, ...] = ()
    receivable: Decimal = ZERO
    credits: Decimal = ZERO
    transactions: int = 0
    crm_account_id: str = ""
    crm_contact_id: str = ""

    @property
    def primary(self) -> Person | None:
        return next((person for person in self.persons if person.primary), None)


@dataclass(slots=True)
class Comment:
    """A remark on a contact or an invoice, by a user or by the system."""

    id: str
    at: int
    text: str
    user_id: str
    by: str
    system: bool = False
