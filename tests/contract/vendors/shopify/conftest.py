"""The simulated shop, and a door to it."""

from __future__ import annotations

import pytest

from tests.contract.sandbox.shopify.conftest import listener, shop
from tests.contract.sandbox.shopify.shop import Shop
from tests.contract.vendors.shopify.shops import ShopApi

__all__ = ["listener", "shop"]


@pytest.fixture
def api(shop: Shop) -> ShopApi:
    return ShopApi(shop, f"demo.myshopify.com:{shop.row['access_token']}")
