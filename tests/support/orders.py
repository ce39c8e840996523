"""Orders of a shop for tests: made out in whole smallest units and by the shop's own rounding, line by line, half up. Uses nothing of the
product's arithmetic, so that it can be compared with it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

DIGITS = {"EUR": 2, "USD": 2, "JPY": 0, "KWD": 3}
TAXES = {"VAT": Fraction(19), "Reduced": Fraction(7), "State": Fraction(29, 4), "City": Fraction(5, 4)}
TAX_SETS: tuple[tuple[str, ...], ...] = (("VAT",), ("Reduced",), ("State", "City"), ())


def half_up(amount: Fraction) -> int:
    """To a whole unit, half away from zero."""
    whole = int(abs(amount) + Fraction(1, 2))
    return whole if amount >= 0 else -whole


def text(units: int, currency: str) -> str:
    digits = DIGITS[currency]
    sign, figures = ("-" if units < 0 else ""), str(abs(units)).rjust(digits + 1, "0")
    return sign + (figures if not digits else f"{figures[:-digits]}.{figures[-digits:]}")


@dataclass(frozen=True)
class Kind:
    """What an order of this kind is like."""

    currency: str = "EUR"
    included: bool = False
    lines: int = 1
    discounts: int = 0
    shipping: int = 0
    tip: bool = False
    duties: bool = False
    cash: bool = False
    mixed: bool = False


KINDS: Sequence[Kind] = [
    Kind(currency, included, lines, discounts, shipping, tip, duties, cash, mixed)
    for currency in ("EUR", "JPY", "KWD", "USD")
    for included in (False, True)
    for lines, discounts, shipping, tip, duties, cash, mixed in (
        (1, 0, 0, False, False, False, False), (3, 1, 1, False, False, False, False), (7, 2, 2, True, False, False, True),
        (2, 0, 1, False, True, False, True), (5, 1, 1, True, True, True, True),
    )
]  # fmt: skip


class Placing:
    """Places orders; `record` and chance decide everything about one."""

    def __init__(self, kind: Kind, seed: int) -> None:
        self._kind, self._chance = kind, random.Random(f"{kind}/{seed}")

    def order(self, number: int = 1, **more: Any) -> dict[str, Any]:
        """In the shop's currency (EUR) at a rate of its own, each amount converted and rounded by itself as a shop does."""
        kind, chance = self._kind, self._chance
        lines = [self._line(str(at)) for at in range(1, kind.lines + 1)]
        shipping = [self._part(f"s{at}", chance.randrange(0, 2500), 1, at % 2) for at in range(kind.shipping)]
        parts = [*lines, *shipping]
        tax = sum(units for part in parts for _, units in part["taxes"])
        sums = {
            "subtotal": sum(_net(one) for one in lines), "shipping": sum(_net(one) for one in shipping), "tax": tax,
            "tips": chance.randrange(1, 900) if kind.tip else 0, "duties": chance.randrange(1, 900) if kind.duties else 0,
            "cash_rounding": chance.randrange(-4, 5) if kind.cash else 0,
        }  # fmt: skip
        total = sum(sums[name] for name in ("subtotal", "shipping", "tips", "duties")) + (0 if kind.included else tax)
        told = {name: self._both(units) for name, units in {**sums, "total": total}.items()}
        return {
            "number": f"#{1000 + number}", "customer_id": "c1", "currency": kind.currency, "presentment_currency": kind.currency,
            "placed_at": "2026-05-04T10:11:12+02:00", "taxes_included": kind.included,
            "lines": [self._shown(one) | {"sku": f"SKU-{one['id']}", "quantity": one["quantity"]} for one in lines],
            "shipping_lines": [self._shown(one) for one in shipping], **told, **more,
        }  # fmt: skip

    def _line(self, id: str) -> dict[str, Any]:
        chance = self._chance
        return self._part(id, chance.randrange(1, 20_000), chance.randrange(1, 6), self._kind.discounts)

    def _part(self, id: str, price: int, quantity: int, discounts: int) -> dict[str, Any]:
        chance = self._chance
        off = [chance.randrange(0, price * quantity // 3 + 1) for _ in range(discounts)]
        made = {"id": id, "price": price, "quantity": quantity, "off": off}
        chosen = TAX_SETS[chance.randrange(4)] if self._kind.mixed else TAX_SETS[0]
        rate = sum((TAXES[name] for name in chosen), Fraction(0))
        base = 100 + rate if self._kind.included else Fraction(100)
        taxes = [(name, half_up(_net(made) * TAXES[name] / base)) for name in chosen]
        return made | {"taxes": taxes}

    def _shown(self, part: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": part["id"], "title": f"Thing {part['id']}", "price": self._both(part["price"]),
            "discounts": [self._both(one) for one in part["off"]],
            "taxes": [
                {"title": name, "rate": _share(TAXES[name]), "amount": self._both(units)} for name, units in part["taxes"]
            ],
        }  # fmt: skip

    def _both(self, units: int) -> dict[str, str]:
        amount = text(units, self._kind.currency)
        return {"shop": amount, "presentment": amount}


def _net(part: dict[str, Any]) -> int:
    return int(part["price"] * part["quantity"] - sum(part["off"]))


def _share(percent: Fraction) -> str:
    """A finite decimal: 7.25 % is 0.0725."""
    return f"{float(percent / 100):.4f}"


def books_sums(
    content: dict[str, Any], percents: dict[str, tuple[Fraction, ...]], digits: int, *, by_line: bool
) -> tuple[Fraction, Fraction]:
    """What Books makes of an invoice: its total and its tax, by the vendor's sheet and in fractions. `percents`: of each tax id."""
    unit = Fraction(1, 10**digits)

    def rounded(amount: Fraction) -> Fraction:
        return half_up(amount / unit) * unit

    bases = [
        (rounded(Fraction(one["rate"]) * Fraction(one["quantity"]) - Fraction(one["discount"])), one["tax_id"], content["is_inclusive_tax"])
        for one in content["line_items"]
    ]  # fmt: skip
    goods = sum((base for base, _, _ in bases), Fraction(0))
    charge = Fraction(content["shipping_charge"])
    taxes: dict[tuple[str, int], Fraction] = {}
    for base, tax, inside in [*bases, (charge, content["shipping_charge_tax_id"], False)]:
        parts = percents.get(tax, ())
        for at, percent in enumerate(parts):
            amount = base * percent / (100 + sum(parts) if inside else 100)
            taxes[tax, at] = taxes.get((tax, at), Fraction(0)) + (rounded(amount) if by_line else amount)
    of_taxes = sum(map(rounded, taxes.values()), Fraction(0))
    on_top = (
        sum((percent for percent in percents.get(content["shipping_charge_tax_id"], ())), Fraction(0)) * charge / 100
    )
    total = goods + charge + (rounded(on_top) if content["is_inclusive_tax"] else of_taxes)
    return total, of_taxes
