"""What has to be known of an organisation before an invoice of it can be made out: currencies, taxes, items, and fields that are unique.

It is read from lists, whole and rarely; no order costs a call for it. Whatever is missing is one clear refusal with its remedy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from vendors.zoho_books.invoice_codes import ZB_CURRENCY_UNKNOWN, ZB_TAX_UNKNOWN, refused


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
    unique: Mapping[str, UniqueField] = field(default_factory=dict)
    """By module: invoice, payment."""

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
        wanted = sorted(part.known_as for part in parts)
        known = {id: (tax,) for id, tax in self.taxes.items()} | dict(self.groups)
        found = [id for id, made in known.items() if sorted(part.known_as for part in made) == wanted]
        if not found:
            rates = sorted(rate for _, rate in wanted)
            alike = [id for id, made in known.items() if sorted(part.known_as[1] for part in made) == rates]
            found = alike if len(alike) == 1 else []
        if len(found) != 1:
            raise refused(
                ZB_TAX_UNKNOWN,
                f"{' + '.join(f'{name} {rate:f} %' for name, rate in wanted)} is meant ({len(found)} fit).",
            )
        return found[0]

    def item(self, sku: str | None) -> str:
        """The item with this SKU; empty where there is none, and the line stands by itself."""
        return self.items.get((sku or "").strip().casefold(), "")
