"""An order as an invoice of Books, and whether Books has added it up as the shop did. Pure; exact decimals throughout.

The invoice is in the buyer's currency, from that set of amounts alone. Lines keep their gross price, with their share of all discounts as
the line's own discount; what is no good (tips, duties, fees) is a line without tax. Delivery is the shipping charge where that is exact:
Books taxes the charge on top, even on an invoice whose prices contain the tax, and takes one tax for it. Else it is a line, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from common.contracts.orders import Order, OrderLine, OrderShipping, OrderTax
from vendors import order_sums
from vendors.order_sums import Side, Term, of
from vendors.zoho_books.invoice_codes import (
    ZB_CHANNEL_TAX,
    ZB_INVOICE_SUM_DIFFERS,
    ZB_ORDER_INCOMPLETE,
    ZB_ORDER_SUM_DIFFERS,
    refused,
)
from vendors.zoho_books.organisation_facts import OrganisationFacts, TaxPart

SIDE: Side = "presentment"
ZERO = Decimal(0)
LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class BooksSums:
    """What Books says that an invoice comes to."""

    total: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True)
class Expected:
    """What the invoice has to come to, and by how much Books' own rounding may miss it before it is adjusted."""

    total: Decimal
    tax: Decimal
    tolerance: Decimal
    currency: str


def checked(order: Order) -> None:
    """R25, the first sum: nothing is made of an order that does not add up by itself, on either side."""
    missing = [
        word
        for word, told in (
            ("lines", order.lines), ("total", order.total), ("currency", order.currency), ("presentment_currency", order.presentment_currency)
        )
        if not told
    ]  # fmt: skip
    if missing:
        raise refused(ZB_ORDER_INCOMPLETE, f"Missing: {', '.join(missing)}.")
    wrong = order_sums.mismatches(order)
    if wrong:
        raise refused(ZB_ORDER_SUM_DIFFERS, " ".join(map(str, wrong)))
    channels = [tax for tax in order_sums.taxes_of(order) if tax.channel_liable and of(tax.amount, SIDE)]
    if channels:
        raise refused(ZB_CHANNEL_TAX, ", ".join(f"{tax.title} {of(tax.amount, SIDE):f}" for tax in channels))


def content(order: Order, facts: OrganisationFacts, customer: str) -> dict[str, Any]:
    """What the invoice says, in the words of Books and with amounts as exact texts."""
    delivery = order_sums.placed_shipping(order)
    charge = _charge(order, delivery, facts)
    lines = [_line(line, facts) for line in order_sums.placed_lines(order)]
    lines += [_delivery(one, facts) for one in delivery] if charge is None else []
    lines += [
        _free(words, of(amount, SIDE))
        for words, amount in (("Duties", order.duties), ("Fees", order.fees), ("Tip", order.tips))
        if of(amount, SIDE)
    ]
    return {
        "customer_id": customer,
        "currency_id": facts.currency(order_sums.currency_of(order, SIDE)),
        **({"exchange_rate": rate} if (rate := _rate(order, facts)) else {}),
        **({"date": order.placed_at.date().isoformat()} if order.placed_at else {}),
        "reference_number": order.number or "",
        "is_inclusive_tax": bool(order.taxes_included),
        "line_items": lines,
        **(charge or {"shipping_charge": "0", "shipping_charge_tax_id": ""}),
    }


def rounding_at_the_till(order: Order) -> Decimal:
    """What was paid beyond the total because there are no smaller coins: it is on the invoice, so that the payment settles it."""
    return of(order.cash_rounding, SIDE)


def expected(order: Order) -> Expected:
    """The second sum that has to agree."""
    currency = order_sums.currency_of(order, SIDE)
    tax = sum((of(one.amount, SIDE) for one in order_sums.taxes_of(order)), ZERO)
    total = of(order.total, SIDE) + rounding_at_the_till(order)
    return Expected(total, tax, order_sums.tolerance(order, currency), currency)


def rounding(wanted: Expected, answered: BooksSums) -> Decimal:
    """R25: by how much the draft has to be adjusted to come to the order's total; more than rounding explains is for a person."""
    difference, in_tax = wanted.total - answered.total, wanted.tax - answered.tax
    if abs(difference) > wanted.tolerance or abs(in_tax) > wanted.tolerance:
        raise refused(ZB_INVOICE_SUM_DIFFERS, compared(wanted, answered))
    return difference


def compared(wanted: Expected, answered: BooksSums) -> str:
    rows = (
        Term("total in the shop", wanted.total), Term("total in Zoho Books", answered.total),
        Term("tax in the shop", wanted.tax), Term("tax in Zoho Books", answered.tax), Term("allowed difference", wanted.tolerance),
    )  # fmt: skip
    return "; ".join(f"{row.words} {row.amount:f} {wanted.currency}" for row in rows) + "."


def _line(line: OrderLine, facts: OrganisationFacts) -> dict[str, str]:
    item = facts.item(line.sku)
    return _charged(name_of(line), line.price.presentment, line.quantity, line, facts) | (
        {"item_id": item} if item else {}
    )


def name_of(line: OrderLine) -> str:
    return " ".join(part for part in (line.title, line.variant) if part) or line.sku or line.id


def _delivery(one: OrderShipping, facts: OrganisationFacts) -> dict[str, str]:
    return _charged(one.title or "Shipping", one.price.presentment, 1, one, facts)


def _charged(
    name: str, rate: Decimal, quantity: int, part: OrderLine | OrderShipping, facts: OrganisationFacts
) -> dict[str, str]:
    off = rate * quantity - order_sums.net(part, SIDE)
    return {
        "name": name[:LONGEST_NAME], "rate": text(rate), "quantity": str(quantity), "discount": text(off),
        "tax_id": facts.tax(parts(part.taxes)),
    }  # fmt: skip


def _free(name: str, amount: Decimal) -> dict[str, str]:
    return {"name": name, "rate": text(amount), "quantity": "1", "discount": "0", "tax_id": ""}


def _charge(order: Order, delivery: Iterable[OrderShipping], facts: OrganisationFacts) -> Mapping[str, str] | None:
    """As Books' own shipping charge; None where several taxes, or a tax inside the price, make it inexact there."""
    amount = sum((order_sums.net(one, SIDE) for one in delivery), ZERO)
    taxes = {facts.tax(parts(one.taxes)) for one in delivery if order_sums.net(one, SIDE)}
    if len(taxes) > 1 or (order.taxes_included and taxes - {""}):
        return None
    return {"shipping_charge": text(amount), "shipping_charge_tax_id": next(iter(taxes), "")}


def parts(taxes: Iterable[OrderTax]) -> frozenset[TaxPart]:
    """The taxes that a line has; one without a rate and without an amount is none."""
    return frozenset(TaxPart(tax.title or "", (tax.rate or ZERO) * 100) for tax in taxes if tax.rate)


def _rate(order: Order, facts: OrganisationFacts) -> str:
    """Base currency for one unit of the invoice's: as the shop converted where its currency is the ledger's; empty: Books' own of the day."""
    if order_sums.currency_of(order, SIDE) == facts.base:
        return "1"
    total = order.total
    if total is None or order.currency != facts.base or not total.presentment or not total.shop:
        return ""
    return text((total.shop / total.presentment).quantize(_FINEST_RATE))


def text(amount: Decimal) -> str:
    """The shortest exact spelling: `10.10` and `10.1` are one amount."""
    normal = amount.normalize()
    return format(normal.quantize(Decimal(1)) if normal == normal.to_integral_value() else normal, "f")


_FINEST_RATE = Decimal(1).scaleb(-10)
