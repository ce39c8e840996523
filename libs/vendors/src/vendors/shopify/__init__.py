"""Shopify: the orders of a shop with all that belongs to them, and its customers."""

from vendors.shopify.bulk import ShopBulk
from vendors.shopify.channel import ShopifyChannel
from vendors.shopify.client import NAME, ShopifyProfile, page, ping
from vendors.shopify.inbox import ShopifyInbox
from vendors.shopify.oauth import GRANT
from vendors.shopify.scopes import remarks
from vendors.shopify.source import ShopifySource
from vendors.vendor import Vendor

VENDOR = Vendor(
    name=NAME,
    title="Shopify",
    profile=ShopifyProfile(),
    grant=GRANT,
    inbox=ShopifyInbox(),
    source=ShopifySource(),
    whole=ShopBulk(ShopifySource()),
    remarks=remarks,
    channel=ShopifyChannel(),
    ping=ping,
    page=page,
    account_detail="shop",
)
