"""Taxes on a line as an input names them: the amount it gives, or what the rate makes of the price."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from sandbox.shopify.call import Document, Refusal
from sandbox.shopify.money import Bag, Currencies
from sandbox.shopify.parts import TaxLine


def bag_of(given: Document | None, currencies: Currencies, *path: str) -> Bag:
    """Both amounts of an input; currencies that are not the order's are refused."""
    if given is None:
        return currencies.zero
    shop, shown = given["shop_money"], given.get("presentment_money")
    if shop["currency_code"] != currencies.shop:
        raise Refusal(f"Currency must be {currencies.shop}, the shop's", *path)
    if shown is not None and shown["currency_code"] != currencies.shown:
        raise Refusal(f"Currency must be {currencies.shown}", *path)
    if shop["amount"] < 0 or (shown is not None and shown["amount"] < 0):
        raise Refusal("Amount must be positive", *path)
    return currencies.bag(shop["amount"], shown["amount"] if shown is not None else None)


def taxes_of(given: Iterable[Document] | None, on: Bag, currencies: Currencies, *, included: bool) -> list[TaxLine]:
    return [tax_of(one, on, currencies, included=included) for one in given or ()]


def tax_of(given: Document, on: Bag, currencies: Currencies, *, included: bool) -> TaxLine:
    rate: Decimal = given["rate"]
    if not 0 <= rate <= 1:
        raise Refusal("Rate must be between 0 and 1", "order", "taxLines")
    factor = rate / (1 + rate) if included else rate
    stated = given.get("price_set")
    amount = bag_of(stated, currencies, "order", "taxLines") if stated else on.times(factor).settled()
    return TaxLine(given["title"], rate, amount, bool(given.get("channel_liable")))
