"""What every source promises, shown of a shop's customers. Orders are named by their lists and read by id: `test_source.py` has what holds of them."""

from __future__ import annotations

from tests.contract.vendors.shopify import account
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
