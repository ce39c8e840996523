"""What an organisation sets up: items, currencies, taxes, tags and users, as stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from sandbox.zoho_books.custom_fields import no_values


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
class User:
    """Somebody who may see an organisation."""

    id: str
    name: str
    email: str
    role: str = "admin"
