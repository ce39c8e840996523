"""The demo's shop: connected by consent, its customers and orders brought into the demo's books, and a first order somebody pays for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from millrace.demo import ACCOUNT, BOOKS, Demo, Say, apply, books_of, connect

SHOP, SYNC = "demo-shop", "demo-orders"
DEMO_SYNC: Mapping[str, object] = {
    "name": SYNC,
    "template": "shopify-to-zoho-books",
    "source": SHOP,
    "target": BOOKS,
}
BUYER = "grace@example.org"
TAX, PERCENT = "VAT", 19
_BUYERS = {
    "email": BUYER,
    "firstName": "Grace",
    "lastName": "Hopper",
    "addresses": [{"address1": "1 Harbour Road", "city": "Hamburg", "zip": "20095", "countryCode": "DE"}],
}


def connect_shop(demo: Demo, say: Say) -> None:
    """The demo shop, by consent as its owner gives it: the shop is named."""
    connect(demo, say, SHOP, "shopify", {"site": str(demo.account("shopify")["shop"])})


def prepare_books(demo: Demo, say: Say) -> None:
    """The tax of the shop's country: an invoice names one that the books know."""
    with books_of(demo.account("zoho-books")) as books:
        known = books.get("/settings/taxes").raise_for_status().json()["taxes"]
        if not any((one["tax_name"], float(one["tax_percentage"])) == (TAX, PERCENT) for one in known):
            books.post("/settings/taxes", json={"tax_name": TAX, "tax_percentage": PERCENT}).raise_for_status()
            say(f"{TAX} {PERCENT} % is a new tax in Zoho Books.")


def join_orders(demo: Demo, say: Say) -> None:
    """The sync of both kinds; one that is there is left as it is, so that a start asks no vendor."""
    if not any(sync["name"] == SYNC for sync in demo.console.get("/syncs")["items"]):
        prepare_books(demo, say)
        apply(demo, say, DEMO_SYNC)


def first_order(demo: Demo, say: Say) -> None:
    """Somebody buys and pays; seconds later it is an invoice."""
    shop = Shop(demo.account("shopify"))
    if not shop.has_orders():
        buyer = shop.people("customer", customer=_BUYERS)
        name = shop.order(buyer["id"], paid=True)
        say(f"{BUYER} has placed the order {name} in the shop.")


STEPS = (connect_shop, join_orders, first_order)


class Shop:
    """The shop as its people use it."""

    def __init__(self, account: Mapping[str, Any]) -> None:
        self._account = account
        self.people_url = f"{account['base_url'].rpartition('/shopify/')[0]}/_sandbox/shopify/{ACCOUNT}/people"

    def people(self, action: str, **fields: Any) -> Mapping[str, Any]:
        """What somebody does in the shop or its admin."""
        answer = httpx.post(self.people_url, json={"action": action, **fields}, timeout=15, trust_env=False)
        found: Mapping[str, Any] = answer.raise_for_status().json()
        return found

    def order(self, customer: str, *, paid: bool, price: str = "29.90") -> str:
        """An order of two teapots by a customer; its name."""
        return str(self.people("place_order", order=order_of(customer, paid=paid, price=price))["name"])

    def has_orders(self) -> bool:
        answer = httpx.post(
            f"{self._account['base_url']}/admin/api/2026-04/graphql.json", json={"query": "{orders(first:1){nodes{id}}}"},
            headers={"x-shopify-access-token": self._account["operator_token"]}, timeout=15, trust_env=False,
        )  # fmt: skip
        return bool(answer.raise_for_status().json()["data"]["orders"]["nodes"])


def order_of(customer: str, *, paid: bool, price: str = "29.90") -> dict[str, Any]:
    """An order as the vendor's own API takes it."""
    return {
        "customerId": customer,
        "lineItems": [{"title": "Teapot", "sku": "TEA-1", "quantity": 2, "priceSet": _euros(price)}],
        "shippingLines": [{"title": "Post", "code": "P", "priceSet": _euros("4.90")}],
        "taxLines": [{"title": TAX, "rate": f"0.{PERCENT}"}],
        **({"financialStatus": "PAID"} if paid else {}),
    }


def _euros(amount: str) -> dict[str, Any]:
    return {"shopMoney": {"amount": amount, "currencyCode": "EUR"}}
