"""Where a shop is: its name is the first label of a host of the vendor's, and comes from nowhere else (sheet, section 1.1)."""

from __future__ import annotations

import re

FAMILY = "shopify"
VERSION = "2026-04"
"""The version that every call names and every subscription asks for."""
_SHOP = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9\-]{0,99}\.myshopify\.com")


def is_shop(domain: str) -> bool:
    """Whether this can be a shop's domain: it becomes the host that sees our secrets, so nothing else may pass."""
    return _SHOP.fullmatch(domain) is not None


def named(given: str) -> str:
    """The shop that a person means by its name or its domain; empty where it can be none."""
    word = given.strip().lower()
    domain = word if "." in word else f"{word}.myshopify.com"
    return domain if is_shop(domain) else ""


def admin(shop: str, base_url: str) -> str:
    """The admin of a shop; `base_url` is the stand-in's address, empty for the real hosts."""
    if not is_shop(shop):
        raise ValueError(f"{shop[:40]!r} is no shop of Shopify")
    handle = shop.partition(".")[0].lower()
    return f"{base_url}/{handle}/admin" if base_url else f"https://{handle}.myshopify.com/admin"


def api(shop: str, base_url: str) -> str:
    """The API of a shop, in our version."""
    return f"{admin(shop, base_url)}/api/{VERSION}"


def page(shop: str, kind: str, record: str) -> str:
    """Where a person of the shop sees a record."""
    return f"{admin(shop, '')}/{kind}/{record}"
