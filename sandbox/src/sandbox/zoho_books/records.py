"""What an organisation stores: one class per kind of record. They are replaced, never changed in place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from sandbox.zoho_books.custom_fields import no_values
from sandbox.zoho_books.money import NO_DISCOUNT, ZERO, Discount, TaxAmount


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

    @property
    def primary(self) -> Person | None:
        return next((person for person in self.persons if person.primary), None)


class Line(NamedTuple):
    """One line of an invoice or a credit note."""

    id: str
    item_id: str
    name: str
    description: str
    rate: Decimal
    quantity: Decimal
    unit: str = ""
    discount: Discount = NO_DISCOUNT
    tax_id: str = ""
    tax_exemption_id: str = ""
    tags: tuple[Tagged, ...] = ()


@dataclass(slots=True)
class Invoice:
    """An invoice. `status` is what the ledger knows; overdue comes from the calendar when it is read."""

    id: str
    number: str
    customer_id: str
    created: int
    modified: int
    currency_id: str
    exchange_rate: Decimal
    date: str
    due_date: str
    lines: tuple[Line, ...]
    sub_total: Decimal
    discount_total: Decimal
    tax_total: Decimal
    total: Decimal
    taxes: tuple[TaxAmount, ...] = ()
    status: str = "draft"
    payment_terms: int = 0
    payment_terms_label: str = "Due On Receipt"
    reference_number: str = ""
    discount: Discount = NO_DISCOUNT
    discount_type: str = "item_level"
    discount_before_tax: bool = True
    inclusive_tax: bool = False
    shipping: Decimal = ZERO
    shipping_tax_id: str = ""
    adjustment: Decimal = ZERO
    adjustment_description: str = "Adjustment"
    paid: Decimal = ZERO
    credited: Decimal = ZERO
    written_off: Decimal = ZERO
    withheld: Decimal = ZERO
    last_payment_date: str = ""
    billing: Address | None = None
    shipping_address: Address | None = None
    person_ids: tuple[str, ...] = ()
    notes: str = ""
    terms: str = ""
    salesperson: str = ""
    emailed: bool = False
    custom: Mapping[str, str] = field(default_factory=no_values)
    tags: tuple[Tagged, ...] = ()

    @property
    def balance(self) -> Decimal:
        return self.total - self.paid - self.credited - self.written_off - self.withheld

    @property
    def in_ledger(self) -> bool:
        return self.status not in ("draft", "void")


class Allocation(NamedTuple):
    """A part of a payment or a credit note that settles an invoice."""

    id: str
    invoice_id: str
    amount: Decimal
    date: str
    withheld: Decimal = ZERO


class Refund(NamedTuple):
    """Money of a payment given back."""

    id: str
    amount: Decimal
    date: str
    mode: str = ""
    reference_number: str = ""
    description: str = ""


@dataclass(slots=True)
class Payment:
    """Money received from a customer."""

    id: str
    number: str
    customer_id: str
    created: int
    modified: int
    currency_id: str
    exchange_rate: Decimal
    date: str
    mode: str
    amount: Decimal
    allocations: tuple[Allocation, ...] = ()
    refunds: tuple[Refund, ...] = ()
    reference_number: str = ""
    description: str = ""
    bank_charges: Decimal = ZERO
    account_id: str = ""
    custom: Mapping[str, str] = field(default_factory=no_values)

    @property
    def refunded(self) -> Decimal:
        return sum((refund.amount for refund in self.refunds), ZERO)

    @property
    def unused(self) -> Decimal:
        return self.amount - self.refunded - sum((part.amount for part in self.allocations), ZERO)


@dataclass(slots=True)
class CreditNote:
    """A credit a customer can set against invoices."""

    id: str
    number: str
    customer_id: str
    created: int
    modified: int
    currency_id: str
    exchange_rate: Decimal
    date: str
    lines: tuple[Line, ...]
    sub_total: Decimal
    tax_total: Decimal
    total: Decimal
    taxes: tuple[TaxAmount, ...] = ()
    status: str = "open"
    reference_number: str = ""
    inclusive_tax: bool = False
    notes: str = ""
    terms: str = ""
    allocations: tuple[Allocation, ...] = ()
    custom: Mapping[str, str] = field(default_factory=no_values)

    @property
    def balance(self) -> Decimal:
        if self.status in ("draft", "void"):
            return self.total
        return self.total - sum((part.amount for part in self.allocations), ZERO)


@dataclass(slots=True)
class Item:
    """A good or a service."""

    id: str
    name: str
    created: int
    modified: int
    rate: Decimal
    status: str = "active"
    description: str = ""
    sku: str = ""
    unit: str = ""
    product_type: str = "goods"
    item_type: str = "sales"
    tax_id: str = ""
    is_taxable: bool = True
    account_id: str = ""
    tax_exemption_id: str = ""
    custom: Mapping[str, str] = field(default_factory=no_values)


@dataclass(slots=True)
class ExchangeRate:
    """What one unit of a currency costs in the base currency from a day on."""

    id: str
    day: str
    rate: Decimal


@dataclass(slots=True)
class Currency:
    """A currency the organisation has enabled."""

    id: str
    code: str
    name: str
    symbol: str
    precision: int
    format: str
    base: bool = False
    rates: tuple[ExchangeRate, ...] = ()


@dataclass(slots=True)
class Tax:
    """One tax rate."""

    id: str
    name: str
    percentage: Decimal
    tax_type: str = "tax"
    authority_id: str = ""
    is_value_added: bool = True
    is_default: bool = False


@dataclass(slots=True)
class TaxGroup:
    """Several taxes charged together."""

    id: str
    name: str
    tax_ids: tuple[str, ...]


@dataclass(slots=True)
class Named:
    """A tax authority or a tax exemption: an id and its plain fields."""

    id: str
    fields: dict[str, str]


@dataclass(slots=True)
class TagOption:
    """One choice of a reporting tag."""

    id: str
    name: str
    active: bool = True


@dataclass(slots=True)
class ReportingTag:
    """A reporting tag: not a free label, but a list of options."""

    id: str
    name: str
    options: tuple[TagOption, ...] = ()
    description: str = ""
    mandatory: bool = False
    active: bool = True


@dataclass(slots=True)
class Comment:
    """A remark on a contact or an invoice, by a user or by the system."""

    id: str
    at: int
    text: str
    user_id: str
    by: str
    system: bool = False


@dataclass(slots=True)
class User:
    """Somebody who may see an organisation."""

    id: str
    name: str
    email: str
    role: str = "admin"


Stored = dict[str, Any]
