"""Invoice arithmetic in decimals, and nothing but arithmetic: lines, discounts, taxes, rounding (sheet, section 4).

total = sub_total - discount + tax + shipping (and its tax) + adjustment, whatever the settings; each figure is rounded
to the currency's precision where the organisation's settings say so, and only there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Literal, NamedTuple

ZERO = Decimal(0)
HUNDRED = Decimal(100)
DiscountKind = Literal["entity_level", "item_level"]
TaxRounding = Literal["entity_level", "item_level"]


@lru_cache(maxsize=16)
def _step(precision: int) -> Decimal:
    return Decimal(1).scaleb(-precision)


def rounded(amount: Decimal, precision: int) -> Decimal:
    """Half away from zero, to the currency's digits."""
    return amount.quantize(_step(precision), rounding=ROUND_HALF_UP)


@lru_cache(maxsize=16)
def _nothing(precision: int) -> Decimal:
    return rounded(ZERO, precision)


class TaxShare(NamedTuple):
    """One tax on a line: a group contributes one share for each of its taxes."""

    tax_id: str
    name: str
    percentage: Decimal


class Discount(NamedTuple):
    """A discount as given: an amount, or a percentage of what it applies to."""

    value: Decimal
    is_percentage: bool

    def of(self, base: Decimal) -> Decimal:
        """What comes off `base`: never more than there is, and nothing off a credit."""
        if base <= 0:
            return ZERO
        return min(base * self.value / HUNDRED if self.is_percentage else self.value, base)


NO_DISCOUNT = Discount(ZERO, False)


class Charge(NamedTuple):
    """What is charged for on one line."""

    rate: Decimal
    quantity: Decimal
    discount: Discount = NO_DISCOUNT
    taxes: tuple[TaxShare, ...] = ()


@dataclass(frozen=True, slots=True)
class Terms:
    """Everything beside the lines that decides the total."""

    precision: int
    discount: Discount = NO_DISCOUNT
    discount_kind: DiscountKind = "item_level"
    discount_before_tax: bool = True
    inclusive_tax: bool = False
    shipping: Decimal = ZERO
    shipping_taxes: tuple[TaxShare, ...] = ()
    adjustment: Decimal = ZERO
    tax_rounding: TaxRounding = "entity_level"


class TaxAmount(NamedTuple):
    """What one tax comes to."""

    tax_id: str
    name: str
    amount: Decimal


class Totals(NamedTuple):
    """The figures of an invoice."""

    line_totals: tuple[Decimal, ...]
    sub_total: Decimal
    discount: Decimal
    taxes: tuple[TaxAmount, ...]
    tax_total: Decimal
    shipping: Decimal
    adjustment: Decimal
    total: Decimal


def line_total(charge: Charge, terms: Terms) -> Decimal:
    """rate x quantity - line discount, rounded."""
    gross = charge.rate * charge.quantity
    if terms.discount_kind == "entity_level":
        return rounded(gross, terms.precision)
    return rounded(gross - charge.discount.of(gross), terms.precision)


def totals(charges: Sequence[Charge], terms: Terms) -> Totals:
    """All figures of one invoice or credit note."""
    lines = tuple(line_total(charge, terms) for charge in charges)
    gross = sum(lines, ZERO)
    early = _early_discount(gross, terms)
    remaining = (gross - early) / gross if gross else Decimal(1)
    taxes = _taxes([(line * remaining, charge.taxes) for line, charge in zip(lines, charges, strict=True)], terms)
    included = _undiscounted_tax(lines, charges, terms) if terms.inclusive_tax else ZERO
    sub_total = gross - included
    discount = early - (included - _lines_tax(taxes, terms)) if terms.inclusive_tax else early
    tax_total = sum((tax.amount for tax in taxes), ZERO)
    if terms.discount_kind == "entity_level" and not terms.discount_before_tax:
        discount += rounded(terms.discount.of(sub_total + tax_total), terms.precision)
    shipping, adjustment = rounded(terms.shipping, terms.precision), rounded(terms.adjustment, terms.precision)
    total = sub_total - discount + tax_total + shipping + adjustment
    return Totals(lines, sub_total, discount, taxes, tax_total, shipping, adjustment, total)


def _early_discount(gross: Decimal, terms: Terms) -> Decimal:
    if terms.discount_kind != "entity_level" or not terms.discount_before_tax:
        return _nothing(terms.precision)
    return rounded(terms.discount.of(gross), terms.precision)


Base = tuple[Decimal, tuple[TaxShare, ...]]


def _taxes(bases: Sequence[Base], terms: Terms) -> tuple[TaxAmount, ...]:
    """Tax per tax id: rounded once on the sum, or line by line. Shipping is taxed on top, even on inclusive rates."""
    shares = [(base, share, _rate(taxes, share, terms)) for base, taxes in bases for share in taxes]
    shares += [(terms.shipping, share, share.percentage / HUNDRED) for share in terms.shipping_taxes]
    sums: dict[tuple[str, str], Decimal] = {}
    for base, share, rate in shares:
        amount = base * rate
        if terms.tax_rounding == "item_level":
            amount = rounded(amount, terms.precision)
        key = (share.tax_id, share.name)
        sums[key] = sums.get(key, ZERO) + amount
    return tuple(TaxAmount(tax_id, name, rounded(amount, terms.precision)) for (tax_id, name), amount in sums.items())


def _rate(taxes: tuple[TaxShare, ...], share: TaxShare, terms: Terms) -> Decimal:
    """The share of a line's amount that is this tax: p/100 on top, p/(100 + all) inside an inclusive amount."""
    if not terms.inclusive_tax:
        return share.percentage / HUNDRED
    return share.percentage / (HUNDRED + sum((tax.percentage for tax in taxes), ZERO))


def _undiscounted_tax(lines: Sequence[Decimal], charges: Sequence[Charge], terms: Terms) -> Decimal:
    bare = Terms(terms.precision, inclusive_tax=True, tax_rounding=terms.tax_rounding)
    taxes = _taxes([(line, charge.taxes) for line, charge in zip(lines, charges, strict=True)], bare)
    return sum((tax.amount for tax in taxes), ZERO)


def _lines_tax(taxes: tuple[TaxAmount, ...], terms: Terms) -> Decimal:
    """The tax that sits inside the lines: all of it but shipping's."""
    shipping = _taxes([], terms)
    return sum((tax.amount for tax in taxes), ZERO) - sum((tax.amount for tax in shipping), ZERO)
