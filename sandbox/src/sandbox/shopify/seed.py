"""Filling a shop: the same seed gives the same customers and orders, whatever the clock says."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from decimal import Decimal

from sandbox.shopify.call import Call, Document
from sandbox.shopify.customer import Customer
from sandbox.shopify.order_changes import cancelled
from sandbox.shopify.refunding import refunded
from sandbox.shopify.selling import placed
from sandbox.shopify.stamps import Stamps
from sandbox.shopify.world import FIRST_DAY

GIVEN = ("Ada", "Grace", "Linus", "Margaret", "Alan", "Katherine", "Edsger", "Barbara", "Donald", "Radia")
FAMILY = ("Byron", "Hopper", "Holm", "Lane", "Moore", "Johnson", "Visser", "Quist", "Keller", "Perl")
GOODS = (
    ("Teapot", "TEA-1", "29.90"),
    ("Mug", "MUG-2", "7.45"),
    ("Kettle", "KET-3", "84.00"),
    ("Tea, 100 g", "TEA-100", "5.99"),
)
HOME = {"address1": "1 High St", "city": "Leeds", "zip": "LS1 1AA", "country": "United Kingdom", "country_code": "GB"}
RATES = {
    "USD": Decimal("1.09"),
    "GBP": Decimal("0.85"),
    "JPY": Decimal("163.2"),
    "KWD": Decimal("0.335"),
    "SEK": Decimal("11.3"),
}
# Of every twenty orders of a troubled shop, these have a story.
STORIES = {
    1: "guest",
    3: "discount",
    5: "refund",
    7: "cancelled",
    8: "included",
    11: "foreign",
    13: "unpaid",
    15: "test",
    17: "tip",
    19: "rounding",
}


def fill(call: Call, size: int, seed: int, *, trouble: bool) -> dict[str, object]:
    """`size` customers and as many orders in place of those that are there."""
    shop = call.shop
    for held in (shop.orders, shop.customers, shop.drafts):
        held.clear()
    chance = random.Random(f"{shop.handle}:{seed}")  # noqa: S311 - reproducible on purpose
    stories: Counter[str] = Counter()
    for at in range(size):
        call.now = FIRST_DAY + timedelta(hours=at % 17_000)
        customer = person(call, at, chance)
        story = STORIES.get(at % 20, "plain") if trouble else "plain"
        tell(call, story, wish(customer, story, chance))
        stories[story] += 1
    call.applied.clear()
    call.events.clear()
    return {"customers": size, "orders": size, "stories": dict(stories)}


def person(call: Call, at: int, chance: random.Random) -> Customer:
    given, family = chance.choice(GIVEN), chance.choice(FAMILY)
    stamps = Stamps()
    stamps.touch(call.now)
    made = Customer(call.shop.new_id(), stamps, f"{given}.{family}{at}@mail{at % 97}.example".lower(), given, family)
    made.state = "ENABLED" if at % 3 else "DISABLED"
    call.shop.customers[made.legacy_resource_id] = made
    return made


def wish(customer: Customer, story: str, chance: random.Random) -> Document:
    """The order as `orderCreate` would ask for it, and the shop's own words beside."""
    currency = chance.choice(sorted(RATES)) if story == "foreign" else None
    lines = [line(chance, currency) for _ in range(chance.randrange(1, 4))]
    return {
        "line_items": lines,
        "shipping_lines": [{"title": "Standard", "code": "STD", "price_set": price(Decimal("4.90"), currency), "tax_lines": None}],
        "tax_lines": [{"title": "VAT", "rate": Decimal("0.19")}],
        "taxes_included": story == "included",
        "test": story == "test",
        "presentment_currency": currency,
        "rate": RATES[currency] if currency else None,
        "customer_id": None if story == "guest" else customer.id,
        "email": f"guest{chance.randrange(10**6)}@mail.example" if story == "guest" else customer.email,
        "financial_status": None if story == "unpaid" else "PAID",
        "discount_code": {"item_percentage_discount_code": {"code": "TEN", "percentage": 10.0}} if story == "discount" else None,
        "tip": Decimal("2.00") if story == "tip" else None,
        "cash_rounding": Decimal("-0.02") if story == "rounding" else None,
        "billing_address": HOME | {"first_name": customer.first_name, "last_name": customer.last_name},
    }  # fmt: skip


def line(chance: random.Random, currency: str | None) -> Document:
    title, sku, amount = chance.choice(GOODS)
    return {
        "title": title,
        "sku": sku,
        "quantity": chance.randrange(1, 4),
        "price_set": price(Decimal(amount), currency),
        "requires_shipping": True,
    }


def price(amount: Decimal, currency: str | None) -> Document:
    return {"shop_money": {"amount": amount, "currency_code": "EUR"}, "presentment_money": None}


def tell(call: Call, story: str, given: Document) -> None:
    order = placed(call, given)
    if story == "refund":
        line = order.line_items[0]
        back = {"refund_line_items": [{"line_item_id": line.id, "quantity": 1}]}
        refunded(call, order, {**back, "transactions": [{"amount": Decimal("1.00"), "gateway": "manual"}]})
    elif story == "cancelled":
        cancelled(call, order, "CUSTOMER", refund=True, restock=True)
