"""Discounts and how they are spread over the lines: each line's share is an allocation (sheet, section 3.4)."""

from __future__ import annotations

from decimal import Decimal

from sandbox.shopify.call import Document, Refusal
from sandbox.shopify.money import Bag, Currencies, shared, total
from sandbox.shopify.order import Order
from sandbox.shopify.parts import DiscountAllocation, DiscountApplication, LineItem, ShippingLine
from sandbox.shopify.taxes import bag_of

HUNDRED = Decimal(100)


def granted(order: Order, given: Document) -> None:
    """Every discount of the input, in its order; the code of `orderCreate` is the first."""
    wishes = [*code_of(given.get("discount_code") or {}), *(given.get("discounts") or ())]
    for wish in wishes:
        application = application_of(len(order.discount_applications), wish, order.currencies)
        order.discount_applications.append(application)
        if application.target_type == "SHIPPING_LINE":
            spread_on_shipping(order.shipping_rows, application)
        else:
            wanted = wish.get("line")
            rows = order.line_items if wanted is None else [order.line_items[wanted]]
            spread_on_lines([row for row in rows if not row.is_gift_card], application)


def code_of(given: Document) -> list[Document]:
    if fixed := given.get("item_fixed_discount_code"):
        return [{"title": fixed["code"], "bag": fixed.get("amount_set")}]
    if percent := given.get("item_percentage_discount_code"):
        return [{"title": percent["code"], "percent": Decimal(str(percent.get("percentage") or 0))}]
    if free := given.get("free_shipping_discount_code"):
        return [{"title": free["code"], "percent": HUNDRED, "target": "SHIPPING_LINE"}]
    return []


def application_of(index: int, wish: Document, currencies: Currencies) -> DiscountApplication:
    percent, amount = wish.get("percent"), wish.get("amount")
    if percent is not None and not 0 <= percent <= HUNDRED:
        raise Refusal("Percentage must be between 0 and 100", "order", "discountCode")
    fixed = (
        currencies.bag(shown=amount)
        if amount is not None
        else bag_of(wish.get("bag"), currencies, "order", "discountCode")
    )
    one_line = wish.get("line") is not None
    return DiscountApplication(
        index,
        wish.get("kind", "code"),
        wish["title"],
        percent,
        None if percent is not None else fixed,
        wish.get("target", "LINE_ITEM"),
        "EACH" if one_line else "ACROSS",
        "EXPLICIT" if one_line else "ALL",
    )


def spread_on_lines(rows: list[LineItem], application: DiscountApplication) -> None:
    nets = [row.net_set for row in rows]
    for row, share in zip(rows, shares_of(nets, application), strict=True):
        row.discount_allocations.append(DiscountAllocation(share, application))


def spread_on_shipping(rows: list[ShippingLine], application: DiscountApplication) -> None:
    nets = [row.discounted_price_set for row in rows]
    for row, share in zip(rows, shares_of(nets, application), strict=True):
        row.discount_allocations.append(DiscountAllocation(share, application))


def shares_of(nets: list[Bag], application: DiscountApplication) -> list[Bag]:
    """The discount over what the lines still cost, never more than that."""
    if not nets:
        return []
    whole = total(nets, nets[0].zero)
    if application.percent is not None:
        taken = whole.times(application.percent / HUNDRED).settled()
    else:
        assert application.fixed is not None
        fixed = application.fixed
        taken = Bag(min(fixed.shop, whole.shop), min(fixed.presentment, whole.presentment), whole.currency, whole.shown)
    return shared(taken, [net.presentment for net in nets])
