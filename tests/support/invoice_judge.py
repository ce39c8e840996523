"""What Books has to show of an order's invoice, worked out once more from the order in whole smallest units: nothing of the product's
arithmetic, and nothing of the simulator's.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from tests.support.orders import DIGITS, TAXES, half_up

Invoice = Mapping[str, Any]


class OrderJudge:
    """One order, in its buyer's currency."""

    def __init__(self, order: Mapping[str, Any], *, by_line: bool) -> None:
        self._order, self._by_line = order, by_line
        self._unit = 10 ** DIGITS[order["presentment_currency"]]

    def units(self, amount: Any) -> int:
        """Of what an invoice shows, or the order tells; a part of a unit is a fault."""
        told = Fraction(str(amount["presentment"] if isinstance(amount, Mapping) else amount)) * self._unit
        assert told.denominator == 1, f"{amount} has parts of the smallest unit"
        return int(told.numerator)

    @property
    def total(self) -> int:
        """What was paid: rounded at the till."""
        return self.units(self._order["total"]) + self.units(self._order["cash_rounding"])

    def expected(self) -> dict[str, Any]:
        """Every amount of the invoice."""
        tax, goods = self._tax(), sum(self._net(one) for one in self._order["lines"])
        shipping = sum(self._net(one) for one in self._order["shipping_lines"])
        others = self.units(self._order["tips"]) + self.units(self._order["duties"])
        on_top = 0 if self._order["taxes_included"] else tax
        return {
            "lines": {one["title"]: self._line(one) for one in self._order["lines"]},
            "shipping": shipping, "others": others, "tax": tax, "total": self.total, "paid": self.total, "balance": 0,
            "adjustment": self.total - goods - shipping - others - on_top,
            "currency": self._order["presentment_currency"], "inclusive": self._order["taxes_included"], "status": "paid",
        }  # fmt: skip

    def shown(self, invoice: Invoice) -> dict[str, Any]:
        """The same of what Books shows, whichever of its fields hold delivery, tips and duties."""
        names = {one["title"] for one in self._order["lines"]}
        deliveries = {one["title"] for one in self._order["shipping_lines"]}
        rows = {row["name"]: row for row in invoice["line_items"]}
        assert len(rows) == len(invoice["line_items"])
        inside = self.units(invoice["tax_total"]) if invoice["is_inclusive_tax"] else 0
        gross = sum(self.units(row["item_total"]) for row in rows.values())
        assert self.units(invoice["sub_total"]) == gross - inside
        assert sum(self.units(one["tax_amount"]) for one in invoice["taxes"]) == self.units(invoice["tax_total"])
        delivered = sum(self.units(rows[name]["item_total"]) for name in deliveries & rows.keys())
        return {
            "lines": {name: self._row(rows[name]) for name in names & rows.keys()},
            "shipping": self.units(invoice["shipping_charge"]) + delivered,
            "others": sum(self.units(row["item_total"]) for name, row in rows.items() if name not in names | deliveries),
            "tax": self.units(invoice["tax_total"]), "total": self.units(invoice["total"]),
            "paid": self.units(invoice["payment_made"]), "balance": self.units(invoice["balance"]),
            "adjustment": self.units(invoice["adjustment"]), "currency": invoice["currency_code"],
            "inclusive": invoice["is_inclusive_tax"], "status": invoice["status"],
        }  # fmt: skip

    def _net(self, part: Mapping[str, Any]) -> int:
        off = sum(self.units(one) for one in part["discounts"])
        return self.units(part["price"]) * int(part.get("quantity", 1)) - off

    def _line(self, line: Mapping[str, Any]) -> tuple[int, int, int, int]:
        off = sum(self.units(one) for one in line["discounts"])
        return self.units(line["price"]), line["quantity"], off, self._net(line)

    def _row(self, row: Mapping[str, Any]) -> tuple[int, int, int, int]:
        return (
            self.units(row["rate"]),
            int(Fraction(str(row["quantity"]))),
            self.units(row["discount_amount"]),
            self.units(row["item_total"]),
        )

    def _tax(self) -> int:
        """Of each tax: rounded once on its sum, or line by line. Those of two taxes together are a tax of their own in Books."""
        sums: dict[tuple[frozenset[str], str], Fraction] = {}
        parts = [(self._net(part), _names(part)) for part in self._order["lines"]]
        for net, names in (*parts, *self._deliveries()):
            base = 100 + (sum(TAXES[name] for name in names) if self._order["taxes_included"] else 0)
            for name in names:
                amount = net * TAXES[name] / Fraction(base)
                sums[names, name] = sums.get((names, name), Fraction(0)) + (
                    half_up(amount) if self._by_line else amount
                )
        return sum(map(half_up, sums.values()))

    def _deliveries(self) -> list[tuple[int, frozenset[str]]]:
        """Those of one tax that comes on top are one charge in Books, and taxed as one (decision 49)."""
        parts = [(self._net(part), _names(part)) for part in self._order["shipping_lines"]]
        kinds = {names for net, names in parts if net}
        if len(kinds) == 1 and not self._order["taxes_included"]:
            return [(sum(net for net, _ in parts), *kinds)]
        return parts


def _names(part: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(one["title"] for one in part["taxes"])
