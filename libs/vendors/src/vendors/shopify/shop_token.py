"""How Shopify lets us in by the token of an application that was made in a shop's own admin: it never expires (sheet, section 1.1).

The token does not say whose it is, so what is pasted names the shop before it: `some-shop.myshopify.com:shpat_...`.
"""

from __future__ import annotations

import re

from common.secret import Secret
from vendors.grant import App, Discovery, GrantCall, GrantReply, NotGranted
from vendors.shopify import probe
from vendors.shopify.shops import is_shop

_TOKEN = re.compile(r"shp[a-z]{2}_[0-9A-Za-z]{16,128}")


class ShopToken:
    """`ApiKey` for Shopify."""

    def site(self, key: Secret) -> str | None:
        shop, _, token = key.reveal().partition(":")
        return shop.lower() if is_shop(shop) and _TOKEN.fullmatch(token) else None

    def origins(self, app: App, site: str = "") -> frozenset[str]:
        return probe.origins(app, site)

    def discover(self, app: App, site: str, credential: Secret) -> GrantCall:
        return probe.asked(app, site, Secret(bare(credential.reveal())))

    def discovered(self, app: App, site: str, reply: GrantReply) -> Discovery | NotGranted:
        return probe.read(site, reply)


def bare(credential: str) -> str:
    """The token of a credential, with or without its shop."""
    return credential.rpartition(":")[2]
