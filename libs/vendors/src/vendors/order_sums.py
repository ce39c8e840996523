"""The order equation: what an order of a shop has to come to, in exact decimals and in each of its two currencies by itself.

total = lines after discounts + shipping after discounts + duties + fees + tips, and + tax where prices do not contain it. A shop rounds each
line, so a sum may miss by one smallest unit a line and by no more (R25). A sum that the shop does not tell is compared with nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple

from common.contracts.money import minor_digits
from common.contracts.orders import Order, OrderAmount, OrderLine, OrderShipping, OrderTax

Side = Literal["shop", "presentment"]
SIDES: tuple[Side, Side] = ("shop", "presentment")
ZERO = Decimal(0)


class Term(NamedTuple):
    """One line of a sum, as a person reads it."""

    words: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A sum that is not what it should be, with everything that was added up."""

    what: str
    currency: str
    terms: Sequence[Term]
    expected: Decimal

    def __str__(self) -> str:
        """Line by line: nobody has to add it up again."""
        found = sum((term.amount for term in self.terms), ZERO)
        added = "; ".join(f"{term.words} {term.amount:f}" for term in self.terms)
        return f"{self.what}: {added}; together {found:f}, told {self.expected:f} {self.currency}, difference {self.expected - found:f}."


def currency_of(order: Order, side: Side) -> str:
    return (order.currency if side == "shop" else order.presentment_currency) or ""


def of(amount: OrderAmount | None, side: Side) -> Decimal:
    """Its value on one side; what is not told adds nothing."""
    return ZERO if amount is None else amount.shop if side == "shop" else amount.presentment


def placed_lines(order: Order) -> list[OrderLine]:
    """The lines of the sale; one of which nothing was bought is none."""
    return [line for line in order.lines or () if line.quantity]


def placed_shipping(order: Order) -> list[OrderShipping]:
    return [line for line in order.shipping_lines or () if not line.removed]


def taxes_of(order: Order) -> Iterator[OrderTax]:
    """Every tax of the sale, line by line."""
    for line in placed_lines(order):
        yield from line.taxes
    for delivery in placed_shipping(order):
        yield from delivery.taxes


def net(part: OrderLine | OrderShipping, side: Side) -> Decimal:
    """What a line comes to after its discounts."""
    many = part.quantity if isinstance(part, OrderLine) else 1
    return of(part.price, side) * many - _sum(part.discounts, side)


def tolerance(order: Order, currency: str) -> Decimal:
    """One smallest unit a line."""
    many = len(placed_lines(order)) + len(placed_shipping(order))
    return many * Decimal(1).scaleb(-minor_digits(currency))


def mismatches(order: Order) -> list[Mismatch]:
    """Every sum of the order, on both sides, that misses what the shop tells by more than its lines can explain."""
    return [wrong for side in SIDES for wrong in _of_side(order, side)]


def _of_side(order: Order, side: Side) -> Iterator[Mismatch]:
    currency = currency_of(order, side)
    allowed = tolerance(order, currency)
    for what, told, terms in _sums(order, side):
        if told is None:
            continue
        if abs(of(told, side) - sum((term.amount for term in terms), ZERO)) > allowed:
            yield Mismatch(what, currency, terms, of(told, side))


def _sums(order: Order, side: Side) -> Iterator[tuple[str, OrderAmount | None, list[Term]]]:
    goods = [term for line in placed_lines(order) for term in _terms(line, side)]
    shipping = [term for line in placed_shipping(order) for term in _terms(line, side)]
    taxes = [Term(f"tax {tax.title or ''}".strip(), of(tax.amount, side)) for tax in taxes_of(order)]
    others = [
        Term(words, of(amount, side))
        for words, amount in (("duties", order.duties), ("fees", order.fees), ("tips", order.tips))
        if of(amount, side)
    ]
    yield "Subtotal", order.subtotal, goods
    yield "Shipping", order.shipping, shipping
    yield "Tax", order.tax, taxes
    yield "Total", order.total, [*goods, *shipping, *others, *([] if order.taxes_included else taxes)]


def _terms(part: OrderLine | OrderShipping, side: Side) -> list[Term]:
    many = part.quantity if isinstance(part, OrderLine) else 1
    name = (part.sku if isinstance(part, OrderLine) else None) or part.title or part.id
    each = of(part.price, side)
    off = _sum(part.discounts, side)
    return [Term(f"{name} {many} x {each:f} =", each * many), *([Term(f"discount on {name}", -off)] if off else [])]


def _sum(amounts: Iterable[OrderAmount], side: Side) -> Decimal:
    return sum((of(one, side) for one in amounts), ZERO)
