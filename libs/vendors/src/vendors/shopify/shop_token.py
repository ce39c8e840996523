"""How Shopify lets us in by the token of an application that was made in a shop's own admin: it never expires (sheet, section 1.1).

The token does not say whose it is, so what is pasted names the shop before it, and the application's secret may stand behind it:
`some-shop.myshopify.com:shpat_...:shpss_...`. With that secret the shop signs its webhooks; without it they are not believed.
"""

from __future__ import annotations

import re

from common.secret import Secret
from vendors.grant import App, Discovery, GrantCall, GrantReply, NotGranted
from vendors.shopify import probe
from vendors.shopify.inbox import hook_secret
from vendors.shopify.shops import is_shop

_SECRET = re.compile(r"[0-9A-Za-z_]{16,128}")
_TOKEN = re.compile(r"shp[a-z]{2}_[0-9A-Za-z]{16,128}")


class ShopToken:
    """`ApiKey` for Shopify."""

    def site(self, key: Secret) -> str | None:
        shop, _, rest = key.reveal().partition(":")
        token, sign, secret = rest.partition(":")
        right = is_shop(shop) and _TOKEN.fullmatch(token) and bool(_SECRET.fullmatch(secret)) == bool(sign)
        return shop.lower() if right else None

    def origins(self, app: App, site: str = "") -> frozenset[str]:
        return probe.origins(app, site)

    def discover(self, app: App, site: str, credential: Secret) -> GrantCall:
        return probe.asked(app, site, Secret(bare(credential.reveal())))

    def discovered(self, app: App, site: str, reply: GrantReply) -> Discovery | NotGranted:
        return probe.read(site, reply)


def bare(credential: str) -> str:
    """The token of a credential, be it alone or between its shop and its secret."""
    parts = credential.split(":")
    return parts[1] if len(parts) > 1 else credential


def pasted_hook_secret(key: Secret) -> Secret | None:
    """As the inbox is given it: with the shop before it."""
    shop, _, secret = key.reveal().split(":", 2) if key.reveal().count(":") >= 2 else ("", "", "")
    return hook_secret(shop.lower(), Secret(secret)) if secret else None
