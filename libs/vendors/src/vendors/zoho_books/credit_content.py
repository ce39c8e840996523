"""What a refund takes back, as the lines of a credit note: pure, exact decimals, in the buyer's currency.

Every line carries its tax inside, whatever the shop's prices do: so the note comes to what the shop has worked out to the cent, and only how
that divides into tax is Books' own rounding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from common.contracts.orders import Order, OrderLine, OrderRefund, RefundLine, RefundShipping
from vendors import order_sums
from vendors.order_sums import of
from vendors.zoho_books import invoicing
from vendors.zoho_books.invoicing import SIDE, ZERO
from vendors.zoho_books.organisation_facts import OrganisationFacts

_FINEST = Decimal(1).scaleb(-6)


@dataclass(frozen=True, slots=True)
class Worth:
    """What a refund comes to."""

    goods: Decimal
    """Lines, deliveries and duties, with their taxes."""
    given: Decimal
    """Money that has gone back."""
    underway: Decimal
    """Money that may still go back."""
    tax: Decimal

    @property
    def money(self) -> Decimal:
        return self.given + self.underway


def worth(order: Order, refund: OrderRefund) -> Worth:
    lines = [(one.subtotal, one.tax) for one in refund.lines]
    lines += [(one.subtotal, one.tax) for one in refund.shipping]
    tax = sum((of(one, SIDE) for _, one in lines), ZERO)
    goods = sum((of(one, SIDE) for one, _ in lines), of(refund.duties, SIDE)) + (ZERO if order.taxes_included else tax)
    money = [one for one in refund.transactions if one.kind == "refund" and not one.test]
    given = sum((of(one.amount, SIDE) for one in money if one.status == "success"), ZERO)
    underway = sum((of(one.amount, SIDE) for one in money if one.status == "pending"), ZERO)
    return Worth(goods, given, underway, tax)


def lines(order: Order, refund: OrderRefund, facts: OrganisationFacts) -> list[dict[str, str]]:
    """One for each line and delivery that is taken back; what is worth nothing is none. A tip goes back with the last of the money."""
    found = [*_goods(order, refund, facts), *_deliveries(order, refund, facts)]
    for words, amount in (("Duties", of(refund.duties, SIDE)), ("Tip", tip(order, refund))):
        if amount:
            found.append(_line(words, amount, 1, ""))
    return found


def tip(order: Order, refund: OrderRefund) -> Decimal:
    """The tip, where as much more money goes back than goods do."""
    told, tips = worth(order, refund), of(order.tips, SIDE)
    return tips if tips and told.money - told.goods == tips else ZERO


def _goods(order: Order, refund: OrderRefund, facts: OrganisationFacts) -> Iterator[dict[str, str]]:
    sold = {line.id: line for line in order.lines or ()}
    for one in refund.lines:
        line, amount = sold.get(one.line_id), _gross(order, one)
        if amount:
            tax = facts.tax(invoicing.parts(line.taxes)) if line and of(one.tax, SIDE) else ""
            yield _line(_name(line, one), amount, one.quantity, tax, facts.item(line.sku) if line else "")


def _deliveries(order: Order, refund: OrderRefund, facts: OrganisationFacts) -> Iterator[dict[str, str]]:
    sent = order.shipping_lines or ()
    for one in refund.shipping:
        delivery = next((each for each in sent if each.id == one.shipping_id), next(iter(sent), None))
        if amount := _gross(order, one):
            tax = facts.tax(invoicing.parts(delivery.taxes)) if delivery and of(one.tax, SIDE) else ""
            yield _line((delivery.title if delivery else "") or "Shipping", amount, 1, tax)


def _gross(order: Order, one: RefundLine | RefundShipping) -> Decimal:
    return of(one.subtotal, SIDE) + (ZERO if order.taxes_included else of(one.tax, SIDE))


def _name(line: OrderLine | None, one: RefundLine) -> str:
    return (invoicing.name_of(line) if line else "") or one.line_id


def _line(name: str, amount: Decimal, quantity: int, tax: str, item: str = "") -> dict[str, str]:
    """By the piece where that is exact; else as one, and then it is not told of which item, whose stock it would count wrong."""
    each = amount / quantity
    if each != each.quantize(_FINEST):
        name, each, quantity, item = f"{quantity} x {name}", amount, 1, ""
    return {
        "name": name[: invoicing.LONGEST_NAME], "rate": invoicing.text(each), "quantity": str(quantity), "tax_id": tax,
        **({"item_id": item} if item else {}),
    }  # fmt: skip


def tolerance(order: Order) -> Decimal:
    """By how much Books' tax may differ: one smallest unit a line, as for the order."""
    return order_sums.tolerance(order, order_sums.currency_of(order, SIDE))
