"""Amounts in two currencies at once: what the shop counts in, and what the buyer was shown. Exact decimals throughout."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

WITHOUT_MINOR = frozenset({"JPY", "KRW", "CLP", "VND", "ISK", "HUF", "XAF", "XOF", "PYG", "UGX"})
WITH_THREE = frozenset({"KWD", "BHD", "JOD", "OMR", "TND"})
ZERO = Decimal(0)


def digits(currency: str) -> int:
    """How many decimals the vendor shows for this currency."""
    return 0 if currency in WITHOUT_MINOR else 3 if currency in WITH_THREE else 2


def step(currency: str) -> Decimal:
    """The smallest amount of a currency."""
    return Decimal(1).scaleb(-digits(currency))


def rounded(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(step(currency), ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Money:
    """One amount in one currency, as the API tells it."""

    value: Decimal
    currency_code: str

    @property
    def amount(self) -> str:
        return format(rounded(self.value, self.currency_code), "f")


@dataclass(frozen=True, slots=True)
class Bag:
    """The same sum in the shop's money and in the buyer's."""

    shop: Decimal
    presentment: Decimal
    currency: str
    shown: str

    @property
    def shop_money(self) -> Money:
        return Money(self.shop, self.currency)

    @property
    def presentment_money(self) -> Money:
        return Money(self.presentment, self.shown)

    def __add__(self, other: Bag) -> Bag:
        return Bag(self.shop + other.shop, self.presentment + other.presentment, self.currency, self.shown)

    def __sub__(self, other: Bag) -> Bag:
        return self + other.times(Decimal(-1))

    def times(self, factor: Decimal) -> Bag:
        """Multiplied and not rounded."""
        return Bag(self.shop * factor, self.presentment * factor, self.currency, self.shown)

    def settled(self) -> Bag:
        """Rounded, each side to its own currency: the two may part by a cent."""
        return Bag(rounded(self.shop, self.currency), rounded(self.presentment, self.shown), self.currency, self.shown)

    @property
    def zero(self) -> Bag:
        return Bag(ZERO, ZERO, self.currency, self.shown)

    def __bool__(self) -> bool:
        return bool(self.shop or self.presentment)


@dataclass(frozen=True, slots=True)
class Currencies:
    """The two currencies of an order and how much of the shown one is a unit of the shop's."""

    shop: str
    shown: str
    rate: Decimal = Decimal(1)

    def bag(self, shop: Decimal | None = None, shown: Decimal | None = None) -> Bag:
        """Both sides; the one that is not given follows by the rate."""
        if shop is None:
            shop = ZERO if shown is None else shown / self.rate
        there = shop * self.rate if shown is None else shown
        return Bag(shop, there, self.shop, self.shown).settled()

    @property
    def zero(self) -> Bag:
        return Bag(ZERO, ZERO, self.shop, self.shown)


def total(bags: Iterable[Bag], zero: Bag) -> Bag:
    return sum(bags, zero)


def shared(whole: Bag, weights: Sequence[Decimal]) -> list[Bag]:
    """A sum spread by weights, each side exact: what rounding leaves over falls to the last share that has a weight."""
    sides = [
        spread(whole.shop, weights, step(whole.currency)),
        spread(whole.presentment, weights, step(whole.shown)),
    ]
    return [Bag(shop, shown, whole.currency, whole.shown) for shop, shown in zip(*sides, strict=True)]


def spread(amount: Decimal, weights: Sequence[Decimal], unit: Decimal) -> list[Decimal]:
    whole, gone, done = sum(weights, ZERO), ZERO, ZERO
    shares = []
    for weight in weights:
        gone += weight
        upto = (amount * gone / whole).quantize(unit, ROUND_HALF_UP) if whole else ZERO
        shares.append(upto - done)
        done = upto
    return shares
