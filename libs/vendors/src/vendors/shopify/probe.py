"""Tries a credential and tells which shop it opens, and with which rights."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlsplit

from common.secret import Secret
from vendors.grant import App, Discovery, GrantCall, GrantReply, NotGranted, Place
from vendors.grant_answers import document, fault, text, unreadable, words
from vendors.grant_codes import GRANT_REVOKED, TOKEN_THROTTLED
from vendors.shopify.shops import VERSION, admin, api, is_shop

QUERY = "{shop{id name myshopifyDomain currencyCode ianaTimezone} currentAppInstallation{accessScopes{handle}}}"
_BUSY_FOR = timedelta(seconds=20)
# Bad token; no longer accepted kind; no shop of this name. A shop that is frozen or locked keeps its grant.
_DEAD = (401, 403, 404)


def origins(app: App, shop: str) -> frozenset[str]:
    """The shop's own host, and no other."""
    if not is_shop(shop):
        return frozenset()
    parts = urlsplit(admin(shop, app.base_url))
    return frozenset({f"{parts.scheme}://{parts.netloc}"})


def asked(app: App, shop: str, credential: Secret) -> GrantCall:
    headers = {"x-shopify-access-token": credential.reveal()}
    template = f"/api/{VERSION}/graphql.json"
    return GrantCall(
        "POST", f"{api(shop, app.base_url)}/graphql.json", template, headers=headers, json={"query": QUERY}
    )


def read(shop: str, reply: GrantReply) -> Discovery | NotGranted:
    """The shop that answers has to be the one that was asked."""
    found = document(reply)
    parsed = _part(found, "data")
    told, installation = _part(parsed, "shop"), _part(parsed, "currentAppInstallation")
    domain = text(told, "myshopifyDomain").lower()
    if reply.status != 200 or domain != shop.lower() or not is_shop(domain):
        return _refusal(found, reply)
    listed = installation.get("accessScopes")
    scopes = [text(one, "handle") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    details = {
        "shop": domain,
        "currency": text(told, "currencyCode"),
        "time_zone": text(told, "ianaTimezone"),
        "scopes": ",".join(sorted(filter(None, scopes))),
    }
    return Discovery(
        (Place(domain, text(told, "name") or domain, details),), owner=domain, site=domain, details=details
    )


def _part(found: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = found.get(name)
    return value if isinstance(value, dict) else {}


def _refusal(found: Mapping[str, object], reply: GrantReply) -> NotGranted:
    said = text(found, "errors") or words(found, reply)
    if reply.status in _DEAD:
        return NotGranted("dead", GRANT_REVOKED.name, "Shopify no longer accepts this credential for this shop.", said)
    if reply.status == 429 or b'"THROTTLED"' in reply.body:
        return NotGranted("wait", TOKEN_THROTTLED.name, "Shopify takes no calls for now.", said, _BUSY_FOR)
    return fault(reply, said) if reply.status in (402, 423) or reply.status >= 500 else unreadable(reply)
