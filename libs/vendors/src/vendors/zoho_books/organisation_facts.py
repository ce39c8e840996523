"""What has to be known of an organisation before an invoice of it can be made out: currencies, taxes, items, and fields that are unique.

It is read from lists, whole and rarely; no order costs a call for it. Whatever is missing is one clear refusal with its remedy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from vendors.zoho_books.invoice_codes import ZB_CURRENCY_UNKNOWN, ZB_TAX_UNKNOWN, refused

# The parts that an order may find nothing in; of guests, each is one.
CURRENCIES, TAXES, ITEMS, GUEST = "currencies", "taxes", "items", "guest "


class TaxPart(NamedTuple):
    """One tax by what people call it, and its rate in per cent."""

    name: str
    percent: Decimal

    @property
    def known_as(self) -> tuple[str, Decimal]:
        return (" ".join(self.name.casefold().split()), self.percent.normalize())


class UniqueField(NamedTuple):
    """A custom field that takes our key and no value twice: an insert with a taken one is refused (R24)."""

    name: str
    label: str


class Contact(NamedTuple):
    """A customer of Books, as far as an invoice needs to know them."""

    id: str
    name: str
    active: bool = True


@dataclass(frozen=True, slots=True)
class OrganisationFacts:
    """One organisation of Books, as its lists tell it."""

    base: str = ""
    """The currency of its ledger."""
    currencies: Mapping[str, str] = field(default_factory=dict)
    """Code -> id, of those that are enabled."""
    taxes: Mapping[str, TaxPart] = field(default_factory=dict)
    """By id."""
    groups: Mapping[str, tuple[TaxPart, ...]] = field(default_factory=dict)
    """Tax groups by id: the taxes that they are made of."""
    items: Mapping[str, str] = field(default_factory=dict)
    """SKU -> id, of active items; the SKU in small letters."""
    retired: frozenset[str] = frozenset()
    """SKUs of items that are inactive."""
    unique: Mapping[str, UniqueField] = field(default_factory=dict)
    """By module: invoice, payment, creditnote, contact; of a contact each also by its own name."""
    inactive: set[str] = field(default_factory=set)
    """Ids of customers that are inactive; corrected by what Books answers meanwhile."""
    guests: Mapping[str, tuple[Contact, ...]] = field(default_factory=dict)
    """By the name of what was asked for (`lookups.guest`): the customers that were found."""
    made: dict[str, str] = field(default_factory=dict)
    """What we have made since these lists were read, because lists lag: by the names of `lookups.py`, its id."""
    chosen: Mapping[str, str] = field(default_factory=dict)
    """What one order has been settled on, before anything else: by the same names."""

    def currency(self, code: str) -> str:
        """The id of a currency; one that is not enabled is for a person."""
        try:
            return self.currencies[code]
        except KeyError:
            raise refused(ZB_CURRENCY_UNKNOWN, f"{code or 'No currency'} is meant.") from None

    def tax(self, parts: frozenset[TaxPart]) -> str:
        """The tax or the group that these taxes are: by name and rate, else the only one with this rate; empty where there is none."""
        if not parts:
            return ""
        name = tax_name(parts)
        if name in self.chosen:
            return self.chosen[name]
        found = self._taxes_like(parts)
        if not found and name in self.made:
            return self.made[name]
        if len(found) != 1:
            raise refused(ZB_TAX_UNKNOWN, f"{name.removeprefix('tax ')} is meant ({len(found)} fit).")
        return found[0]

    def item(self, sku: str | None) -> str:
        """The item with this SKU; empty where there is none, and the line stands by itself."""
        name = item_name(sku)
        if name in self.chosen:
            return self.chosen[name]
        return self.items.get((sku or "").strip().casefold(), "") or self.made.get(name, "")

    def _taxes_like(self, parts: frozenset[TaxPart]) -> list[str]:
        wanted = sorted(part.known_as for part in parts)
        known = {id: (tax,) for id, tax in self.taxes.items()} | dict(self.groups)
        # Nothing keeps two groups of the same taxes apart: whichever is older is the one.
        found = sorted(id for id, made in known.items() if _is(made, wanted))
        if found:
            return found[:1] if len(parts) > 1 else found
        rates = sorted(rate for _, rate in wanted)
        alike = [id for id, made in known.items() if sorted(part.known_as[1] for part in made) == rates]
        return alike if len(alike) == 1 else []


def item_name(sku: str | None) -> str:
    """By which name an item is remembered; it is what an act about it is leased by, too."""
    return f"item {(sku or '').strip().casefold()}"


def tax_name(parts: frozenset[TaxPart]) -> str:
    return "tax " + " + ".join(f"{name} {rate:f} %" for name, rate in sorted(part.known_as for part in parts))


def called(part: TaxPart, taxes: Mapping[str, TaxPart]) -> str:
    """What a tax that we make is called: Books takes each name once, and the same name may have another rate there."""
    if any(one.known_as[0] == part.known_as[0] for one in taxes.values()):
        return f"{part.name} {part.percent.normalize():f} %"
    return part.name


def _is(made: tuple[TaxPart, ...], wanted: list[tuple[str, Decimal]]) -> bool:
    """By name and rate; the rate may be part of the name."""
    plain = [(name.removesuffix(f"{rate:f} %").rstrip(), rate) for name, rate in (part.known_as for part in made)]
    return sorted(part.known_as for part in made) == wanted or sorted(plain) == wanted
