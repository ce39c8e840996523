"""What every source promises, shown of a shop's customers and of its orders; `test_source.py` has what holds of a shop alone."""

from __future__ import annotations

from tests.contract.vendors.shopify import account, order_account
from tests.contract.vendors.source_suite import SourceSuite
from vendors import shopify


class TestShopCustomers(SourceSuite):
    vendor = shopify.VENDOR
    opened = account.opened
    per_page = 200
    numbered_pages = False
    entities = ("customer",)
    settles_s = 400.0
    depth = 4


class TestShopOrders(SourceSuite):
    vendor = shopify.VENDOR
    opened = order_account.opened
    per_page = 250
    numbered_pages = False
    # The vendor may have left out the orders that are older than sixty days.
    tells_the_end = False
    entities = ("order",)
    settles_s = 400.0
    depth = 4
